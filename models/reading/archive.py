"""Zip files, looked at with suspicion: everything is checked from the directory before a byte is unpacked."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.reading.errors import BadData, shown
from models.reading.limits import CHUNK_BYTES, DIRECTORY_BYTES, MEMBERS, RATIO, RATIO_FREE_BYTES

_HINT = "Write the file with numpy.savez or numpy.savez_compressed."
_MEMBER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.npy")
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED_FLAG = 0x1
# The records that end a zip file, APPNOTE 4.3.14 to 4.3.16, as written without a comment.
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, OSError, RuntimeError, ValueError),
)


@contextmanager
def open_archive(path: Path, max_bytes: int) -> Iterator[zipfile.ZipFile]:
    """Open a ``.npz`` whose directory promises nothing dangerous; anything else is :class:`BadData`."""
    _check_end(path)
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN:
        raise BadData("The file is not a whole .npz archive: its directory cannot be read.", _HINT) from None
    with archive:
        _check_members(archive.infolist(), path.stat().st_size, max_bytes)
        yield archive


def chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the content of one member, its checksum verified at the end; damage is :class:`BadData`."""
    try:
        with archive.open(name) as member:
            while chunk := member.read(CHUNK_BYTES):
                yield chunk
    except _BROKEN:
        raise BadData(f"The archive is damaged: {name} cannot be unpacked.", _HINT, name) from None


def extract(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    """Unpack one member to the file ``target``, a chunk at a time."""
    with target.open("wb") as file:
        for chunk in chunks(archive, name):
            file.write(chunk)


def _check_end(path: Path) -> None:
    """Bound the directory before ``zipfile`` reads it whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END.size - _END64_LOCATOR.size - _END64.size))
        tail = file.read()
    if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\x05\x06"):
        raise BadData("The file is not a whole .npz archive: it does not end as one.", _HINT)
    directory_bytes = _END.unpack(tail[-_END.size :])[5]
    before = tail[: -_END.size]
    if before[-_END64_LOCATOR.size :].startswith(b"PK\x06\x07"):
        directory_bytes = max(
            _END64.unpack(before[: _END64.size])[8]
            if len(before) == _END64_LOCATOR.size + _END64.size
            else 0,
            0 if directory_bytes == 0xFFFFFFFF else directory_bytes,
        )
    if directory_bytes > DIRECTORY_BYTES:
        raise BadData(f"The archive holds too many files; at most {MEMBERS} arrays are read.", _HINT)


def _check_members(members: list[zipfile.ZipInfo], file_bytes: int, max_bytes: int) -> None:
    names = [member.filename for member in members]
    if len(names) > MEMBERS:
        raise BadData(f"The archive holds {len(names)} files; at most {MEMBERS} arrays are read.", _HINT)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadData(f"The archive holds {shown(twice)} twice.", _HINT)
    for member in members:
        _check_member(member)
    _check_overlap(members, file_bytes)
    declared = sum(member.file_size for member in members)
    if declared > max_bytes:
        raise BadData(
            f"The arrays are {declared:,} bytes unpacked; at most {max_bytes:,} are read.",
            "Send fewer rows, or values of a smaller dtype such as uint8.",
        )


def _check_member(member: zipfile.ZipInfo) -> None:
    if not _MEMBER_NAME.fullmatch(member.filename):
        raise BadData(f"The archive holds {shown(member.filename)}, which is not an array (name.npy).", _HINT)
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise BadData(f"{member.filename} is encrypted.", _HINT, member.filename)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadData(f"{member.filename} is packed by a method other than deflate.", _HINT, member.filename)
    if member.file_size > RATIO_FREE_BYTES and member.file_size > RATIO * member.compress_size:
        raise BadData(
            f"{member.filename} would grow more than {RATIO}-fold when unpacked.",
            "If the data is really that uniform, write it with numpy.savez, which does not compress.",
            member.filename,
        )


def _check_overlap(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    """Refuse members that share bytes: a small file could then unpack to any size."""
    free_from = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < free_from:
            raise BadData("The archive's members overlap.", _HINT)
        free_from = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
    if free_from > file_bytes:
        raise BadData("The archive is cut off: its directory names more bytes than it holds.", _HINT)
