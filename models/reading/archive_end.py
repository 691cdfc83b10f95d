"""The records that end a zip file (APPNOTE 4.3.14 to 4.3.16), found where ``zipfile`` finds them.

They are looked at first because ``zipfile`` reads the whole directory, and makes an object of each entry.
"""

import os
import struct
from typing import BinaryIO, NamedTuple

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_SIGNATURE, _LOCATOR, _SIGNATURE64, _ENTRY = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x01\x02"
_COMMENT_BYTES = 2**16 - 1
# Of an entry: its fixed part, and in it the lengths of name, extra field and comment.
_ENTRY_BYTES, _LENGTHS, _LENGTHS_AT = 46, struct.Struct("<3H"), 28


class Directory(NamedTuple):
    """Where the directory of an archive begins, how many bytes it has, and how many entries it tells of."""

    start: int
    bytes: int
    entries: int


def find_directory(file: BinaryIO) -> Directory | None:
    """Return the directory that the end of a file names; None for a file that does not end as an archive.

    A comment may follow the last record, and nothing else.
    """
    size = file.seek(0, os.SEEK_END)
    begin = max(0, size - _END.size - _COMMENT_BYTES - _END64_LOCATOR.size - _END64.size)
    file.seek(begin)
    tail = file.read()
    place = _end(tail)
    if place is None:
        return None
    _, _, _, _, entries, length, _, _ = _END.unpack_from(tail, place)
    end = place
    at64 = place - _END64_LOCATOR.size - _END64.size
    if at64 >= 0 and tail[place - _END64_LOCATOR.size :].startswith(_LOCATOR):
        record = _END64.unpack_from(tail, at64)
        if record[0] == _SIGNATURE64:
            entries, length, end = record[7], record[8], at64
    start = begin + end - length
    return Directory(start, length, entries) if start >= 0 else None


def has_more_entries(file: BinaryIO, directory: Directory, most: int) -> bool:
    """Tell whether a directory has more than ``most`` entries: they are counted, for it may tell of fewer.

    All of it is read into memory, so its size is to be checked before.
    """
    file.seek(directory.start)
    entries = file.read(directory.bytes)
    place, count = 0, 0
    while count <= most and entries.startswith(_ENTRY, place) and place + _ENTRY_BYTES <= len(entries):
        place += _ENTRY_BYTES + sum(_LENGTHS.unpack_from(entries, place + _LENGTHS_AT))
        count += 1
    return count > most


def _end(tail: bytes) -> int | None:
    """Return where the last record begins, of which ``zipfile`` first looks for one without a comment."""
    plain = len(tail) - _END.size
    if plain >= 0 and tail.startswith(_SIGNATURE, plain) and tail.endswith(b"\0\0"):
        return plain
    place = tail.rfind(_SIGNATURE)
    if place < 0 or place > plain:
        return None
    return place if place + _END.size + _END.unpack_from(tail, place)[7] == len(tail) else None
