"""The files of a version: what there is, and where each is kept."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import NotFound, Unavailable, shortened
from app.registry.schemas import ArtifactList, ArtifactRead
from app.storage import Store
from app.tables import ModelVersion

REPORT_FILE, CARD_FILE = "report.json", "card.md"


@dataclass(frozen=True)
class StoredFile:
    """A file to be sent."""

    path: Path
    name: str
    sha256: str
    media_type: str
    bytes: int


def listed(version: ModelVersion | None, base: str) -> ArtifactList:
    """Return the files of a version, by path; none while there is no version. ``base`` is their address."""
    files = version.files if version is not None else {}
    return ArtifactList(
        items=[ArtifactRead(path=path, href=f"{base}/{path}", **files[path]) for path in sorted(files)]
    )


def stored(version: ModelVersion | None, path: str, store: Store) -> StoredFile:
    """Return where a file is kept; raises NotFound for a path that the artifact does not have."""
    file = (version.files if version is not None else {}).get(path)
    if file is None:
        raise NotFound(
            f"There is no file {shortened(path)} in the artifact. Its list names all that there are."
        )
    found = StoredFile(
        store.path(file["sha256"]), path.rpartition("/")[2], file["sha256"], file["media_type"], file["bytes"]
    )
    if not found.path.is_file():
        raise Unavailable(
            f"The file {path} is missing in the store. Restore the folder `objects` from a backup.",
            code="artifact_corrupt",
        )
    return found


def read_report(version: ModelVersion, store: Store) -> dict[str, Any] | None:
    """Return the report of a version, if it has one."""
    text = _text(version, REPORT_FILE, store)
    report: dict[str, Any] | None = json.loads(text) if text is not None else None
    return report


def read_card(version: ModelVersion, store: Store) -> str | None:
    """Return the model card of a version, if it has one."""
    return _text(version, CARD_FILE, store)


def _text(version: ModelVersion, path: str, store: Store) -> str | None:
    return stored(version, path, store).path.read_text() if path in version.files else None
