"""What children leave as files: their media types, and JSON that every reader takes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workers.children.program import Failed
from workers.protocol import Failure

_MEDIA_TYPES = {
    ".keras": "application/zip",
    ".onnx": "application/octet-stream",
    ".json": "application/json",
    ".npz": "application/zip",
    ".md": "text/markdown",
    ".png": "image/png",
    ".txt": "text/plain",
}


def media_types(paths: Iterable[Path]) -> dict[str, str]:
    """Return the media types of files, by their names."""
    return {path.name: _MEDIA_TYPES[path.suffix] for path in sorted(paths)}


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file; raises :class:`Failed`, ``bad_data``, for numbers that are infinite or none."""
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except ValueError as error:
        raise Failed(
            Failure(
                code="bad_data",
                message=f"{path.name} would hold a figure that is infinite or no number: values of the rows,"
                " or what the network makes of them, are too large to be squared and summed.",
                hint="Scale the rows to smaller numbers, for example thousands instead of units.",
            )
        ) from error
    path.write_text(text + "\n")
