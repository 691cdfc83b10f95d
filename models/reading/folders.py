"""Zipped folders: one folder for each class, if wanted within folders ``train`` and ``test``."""

import zipfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from models.reading.archive import FOLDERS, chunks, open_archive
from models.reading.errors import BadData, shown
from models.reading.limits import MEMBER_BYTES

_SPLITS = {"train": False, "test": True}


@dataclass(frozen=True)
class Entry:
    """One file: its name in the archive, the class that its folder names, and whether it is a test row."""

    name: str
    label: str | None
    is_test: bool


@dataclass(frozen=True)
class Folders:
    """The files of an archive that are rows, those of the training first, and how many others it holds."""

    archive: zipfile.ZipFile
    entries: Sequence[Entry]
    ignored: int

    def read(self, entry: Entry) -> bytes:
        """Return the content of one file; its size was checked."""
        return b"".join(chunks(self.archive, entry.name))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be told of files that are no rows."""
        return (f"Not used: {self.ignored:,} files of other formats.",) if self.ignored else ()


@contextmanager
def open_folders(path: Path, max_bytes: int, endings: Collection[str]) -> Iterator[Folders]:
    """Open a zip archive of files whose names end in one of ``endings``, lower case.

    Names are only looked at: nothing is ever written under one. Raises :class:`BadData`.
    """
    with open_archive(path, max_bytes, FOLDERS) as archive:
        members = [member for member in archive.infolist() if not _is_nothing(member)]
        chosen = [member for member in members if PurePosixPath(member.filename).suffix.lower() in endings]
        if not chosen:
            raise BadData(
                f"The archive holds no file that ends in {', '.join(sorted(endings))}.", FOLDERS.hint
            )
        for member in chosen:
            if member.file_size > MEMBER_BYTES:
                name = member.filename[:100]
                raise BadData(
                    f"{name} is {member.file_size:,} bytes; at most {MEMBER_BYTES:,} a file.", None, name
                )
        yield Folders(archive, _entries(chosen), len(members) - len(chosen))


def _is_nothing(member: zipfile.ZipInfo) -> bool:
    """Tell whether a member is a folder, or was put there by an operating system."""
    parts = member.filename.split("/")
    return member.is_dir() or any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _entries(members: Sequence[zipfile.ZipInfo]) -> list[Entry]:
    paths = {member.filename: tuple(member.filename.split("/")[:-1]) for member in members}
    common = _common(list(paths.values()))
    has_splits = {path[common] if len(path) > common else "" for path in paths.values()} == set(_SPLITS)
    place = common + has_splits
    entries = [
        Entry(name, path[place] if len(path) > place else None, has_splits and _SPLITS[path[common]])
        for name, path in paths.items()
    ]
    _check_labels(entries)
    # By name, for the order within an archive is the packer's.
    return sorted(entries, key=lambda entry: (entry.is_test, entry.name))


def _common(paths: Sequence[tuple[str, ...]]) -> int:
    """Return how many outermost folders all files share: these name neither a class nor a split."""
    shared = 0
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        shared += 1
    return shared


def _check_labels(entries: Sequence[Entry]) -> None:
    labelled = [entry for entry in entries if entry.label is not None]
    if labelled and len(labelled) < len(entries):
        alone = next(entry.name for entry in entries if entry.label is None)
        raise BadData(
            f"{shown(alone)} is in no folder of a class, but {shown(labelled[0].name)} is.",
            "Put each file into the folder of its class, or none.",
        )
