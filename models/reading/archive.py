"""Zip files, looked at with suspicion: everything is checked from the directory before a byte is unpacked."""

import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from models.reading.archive_end import find_directory, has_more_entries
from models.reading.errors import BadData, shown
from models.reading.limits import (
    CHUNK_BYTES,
    DIRECTORY_BYTES,
    FOLDER_DIRECTORY_BYTES,
    FOLDER_MEMBERS,
    MEMBERS,
    RATIO,
    RATIO_FREE_BYTES,
)


@dataclass(frozen=True)
class Rules:
    """What an archive may hold: ``name`` is what its members' names look like, the words are for messages."""

    members: int
    directory_bytes: int
    name: re.Pattern[str]
    archive: str
    member: str
    content: str
    hint: str


ARRAYS = Rules(
    members=MEMBERS,
    directory_bytes=DIRECTORY_BYTES,
    name=re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.npy"),
    archive=".npz archive",
    member="an array (name.npy)",
    content="arrays",
    hint="Write the file with numpy.savez or numpy.savez_compressed.",
)
FOLDERS = Rules(
    members=FOLDER_MEMBERS,
    directory_bytes=FOLDER_DIRECTORY_BYTES,
    # Names are looked at, never opened; what they must not do is break lines where they are shown.
    name=re.compile(r"[^\x00-\x1f\x7f\\]{1,1000}"),
    archive="zip archive",
    member="the name of a file",
    content="files",
    hint="Zip a folder that holds one folder for each class.",
)
FILES = replace(FOLDERS, members=MEMBERS, directory_bytes=DIRECTORY_BYTES, hint="Zip it again.")
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED_FLAG = 0x1
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, OSError, RuntimeError, ValueError),
)


@contextmanager
def open_archive(source: Path | BinaryIO, max_bytes: int, rules: Rules = ARRAYS) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose directory promises nothing dangerous; anything else is :class:`BadData`."""
    with source.open("rb") if isinstance(source, Path) else source as file:
        size = file.seek(0, os.SEEK_END)
        _check_directory(file, rules)
        try:
            archive = zipfile.ZipFile(file)
        except _BROKEN:
            raise BadData(
                f"The file is not a whole {rules.archive}: its directory cannot be read.", rules.hint
            ) from None
        with archive:
            _check_members(archive.infolist(), size, max_bytes, rules)
            yield archive


def chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the content of one member, its checksum verified at the end; damage is :class:`BadData`."""
    try:
        with archive.open(name) as member:
            while chunk := member.read(CHUNK_BYTES):
                yield chunk
    except _BROKEN:
        raise BadData(
            f"The archive is damaged: {name[:100]} cannot be unpacked.", "Zip it again.", name
        ) from None


def extract(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    """Unpack one member to the file ``target``, a chunk at a time."""
    with target.open("wb") as file:
        for chunk in chunks(archive, name):
            file.write(chunk)


def _check_directory(file: BinaryIO, rules: Rules) -> None:
    """Bound the directory before ``zipfile`` reads it whole and makes an object of each entry."""
    directory = find_directory(file)
    if directory is None:
        raise BadData(f"The file is not a whole {rules.archive}: it does not end as one.", rules.hint)
    is_large = directory.bytes > rules.directory_bytes or directory.entries > rules.members
    if is_large or has_more_entries(file, directory, rules.members):
        raise _too_many(rules)


def _too_many(rules: Rules) -> BadData:
    message = f"The archive holds too many files; at most {rules.members} {rules.content} are read."
    return BadData(message, rules.hint)


def _check_members(members: Sequence[zipfile.ZipInfo], file_bytes: int, max_bytes: int, rules: Rules) -> None:
    names = [member.filename for member in members]
    if len(names) > rules.members:
        raise _too_many(rules)
    if len(set(names)) != len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise BadData(f"The archive holds {shown(twice)} twice.", rules.hint)
    for member in members:
        _check_member(member, rules)
    _check_overlap(members, file_bytes, rules)
    declared = sum(member.file_size for member in members)
    if declared > max_bytes:
        raise BadData(
            f"The {rules.content} are {declared:,} bytes unpacked; at most {max_bytes:,} are read.",
            "Send fewer rows, or smaller ones: values of a smaller dtype such as uint8, or smaller pictures.",
        )


def _check_member(member: zipfile.ZipInfo, rules: Rules) -> None:
    if not rules.name.fullmatch(member.filename):
        raise BadData(f"The archive holds {shown(member.filename)}, which is not {rules.member}.", rules.hint)
    name = member.filename[:100]
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise BadData(f"{name} is encrypted.", rules.hint, name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadData(f"{name} is packed by a method other than deflate.", rules.hint, name)
    if member.file_size > RATIO_FREE_BYTES and member.file_size > RATIO * member.compress_size:
        raise BadData(
            f"{name} would grow more than {RATIO}-fold when unpacked.",
            "If the data is really that uniform, write it with numpy.savez, which does not compress.",
            name,
        )


def _check_overlap(members: Sequence[zipfile.ZipInfo], file_bytes: int, rules: Rules) -> None:
    """Refuse members that share bytes: a small file could then unpack to any size."""
    free_from = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < free_from:
            raise BadData("The archive's members overlap.", rules.hint)
        free_from = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size
    if free_from > file_bytes:
        raise BadData("The archive is cut off: its directory names more bytes than it holds.", rules.hint)
