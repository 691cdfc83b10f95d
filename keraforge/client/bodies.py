"""Rows as bodies: lists and arrays become JSON, files are sent as what they are."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keraforge.errors import Unsupported

Rows = Iterable[Any] | Path

_MAGIC = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x93NUMPY": "application/x-npy",
    b"PK\x03\x04": "application/zip",
}
_SUFFIXES = {".csv": "text/csv", ".txt": "text/plain", ".json": "application/json"}
IMAGE_TYPES = frozenset({"image/png", "image/jpeg"})


def body_of(rows: Rows, member: str = "instances") -> dict[str, Any]:
    """Return what a request carries for rows: a file's content, or JSON with them under ``member``."""
    if not isinstance(rows, Path):
        return {"json": {member: nested_lists(rows)}}
    content = rows.read_bytes()
    return typed(content, _type_of(content) or _SUFFIXES.get(rows.suffix.lower()))


def image_body(image: str | Path | bytes) -> dict[str, Any]:
    """Return what a request carries for a picture, given as a path or as bytes."""
    content = image if isinstance(image, bytes) else Path(image).read_bytes()
    found = _type_of(content)
    if found not in IMAGE_TYPES:
        raise Unsupported(
            f"Expected a PNG or JPEG picture, got a file that begins with {content[:8]!r}.",
            code="unsupported_media_type",
        )
    return typed(content, found)


def typed(content: bytes, media_type: str | None) -> dict[str, Any]:
    """Return content and its media type; refuse content of an unknown one."""
    if media_type is None:
        raise Unsupported(
            f"Expected a PNG or JPEG picture, or a .zip, .npy, .csv, .txt or .json file, "
            f"got a file that begins with {content[:8]!r}.",
            code="unsupported_media_type",
        )
    return {"content": content, "headers": {"Content-Type": media_type}}


def nested_lists(rows: Any) -> Any:
    """Return what JSON can carry: arrays, and arrays in lists, become lists."""
    if hasattr(rows, "tolist"):
        return rows.tolist()
    if isinstance(rows, list | tuple):
        return [nested_lists(each) for each in rows]
    return rows


def _type_of(content: bytes) -> str | None:
    return next((media_type for magic, media_type in _MAGIC.items() if content.startswith(magic)), None)
