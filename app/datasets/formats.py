"""What an upload may be, by its first bytes: a file that its dataset cannot read is refused at once."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from app.errors import FieldError, Invalid, UnsupportedMediaType, shortened
from models.schema import Kind

# Enough of a file to tell what it is.
MAGIC_BYTES = 4
_ZIP, _NPY, _PARQUET = b"PK\x03\x04", b"\x93NUM", b"PAR1"
_GZIP = b"\x1f\x8b"
# Two zeros, and what the numbers are.
_IDX = tuple(bytes((0, 0, code)) for code in (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E))
_BINARY = (_ZIP, _NPY, _PARQUET, _GZIP, b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
_MAGIC: Mapping[Kind, tuple[bytes, ...]] = {
    "images": (_ZIP, _NPY, _GZIP, *_IDX),
    "vectors": (_ZIP, _NPY),
    "sequences": (_ZIP, _NPY, _PARQUET),
    "table": (_PARQUET,),
    "text": (_ZIP,),
}
_AS_TEXT: frozenset[Kind] = frozenset({"table", "sequences", "text"})
_EXPECTED: Mapping[Kind, str] = {
    "images": "an .npz or .npy file as NumPy writes it, a zip of pictures (an archive, which begins with PK),"
    " or IDX files",
    "vectors": "an .npz or .npy file as NumPy writes it",
    "sequences": "an .npz or .npy file as NumPy writes it, or a .csv, .tsv or .parquet file of steps",
    "table": "a .csv or .tsv file in UTF-8, or a .parquet file",
    "text": "a .txt or .jsonl file in UTF-8, or a zip of text files",
}


def require_start(start: bytes, kind: Kind) -> None:
    """Refuse a file whose first bytes, at least four unless it is shorter, are of no format for ``kind``."""
    if start.startswith(_MAGIC[kind]) or (kind in _AS_TEXT and _is_text(start)):
        return
    raise UnsupportedMediaType(
        f"Expected {_EXPECTED[kind]}, got a file that begins with {shortened(start[:8])}."
    )


def require_end(path: Path, size: int) -> None:
    """Refuse an archive or a Parquet file whose end is missing."""
    with path.open("rb") as file:
        start = file.read(MAGIC_BYTES)
        file.seek(max(0, size - len(_PARQUET)))
        end = file.read()
    whole = (start != _ZIP or zipfile.is_zipfile(path)) and (start != _PARQUET or end == _PARQUET)
    if not whole:
        raise Invalid(
            f"The file is cut off: {size} bytes came, without its directory. Send the whole file again.",
            errors=[FieldError("", "truncated", "the end of the file is missing")],
        )


def _is_text(start: bytes) -> bool:
    return not start.startswith(_BINARY) and b"\0" not in start
