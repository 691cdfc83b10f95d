"""IDX files, as MNIST ships them: one alone, or zipped images and labels, gzipped or not."""

import gzip
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from models.reading.archive import FILES, open_archive
from models.reading.errors import BadData, shown
from models.reading.limits import CHUNK_BYTES
from models.reading.source import Part, Source
from models.reading.upload import Upload

NAME = re.compile(r"(?:.*/)?[^/]*idx[1-4][-.]ubyte(?:\.gz)?")
"""What the members of an archive of IDX files are called."""
_GZIP = b"\x1f\x8b"
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 4
_TEST_NAMES = ("t10k", "test")
_BROKEN = (OSError, EOFError, zlib.error, struct.error, zipfile.BadZipFile, ValueError, RuntimeError)
_HINT = "Zip train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz, with the t10k files if there are any."


@dataclass(frozen=True)
class _Array:
    """An array that was unpacked, and the name of its file."""

    name: str
    values: np.ndarray

    @property
    def is_test(self) -> bool:
        return any(word in self.name for word in _TEST_NAMES)

    @property
    def role(self) -> str:
        return "labels" if self.values.ndim == 1 else "images"


def read_idx(upload: Upload) -> Source:
    """Return the rows of one IDX file, without targets."""
    name, target = shown(upload.filename), upload.scratch / "0"
    values = _unpacked(partial(_open, upload.path), name, target, upload.max_bytes)
    return Source(Part(values, None, "the file", "y"))


def read_idx_archive(upload: Upload) -> Source:
    """Return the rows of a zip of IDX files: images, and labels if there are; likewise of the test rows.

    Dimensions tell images from labels; ``t10k`` or ``test`` in a file's name tells the test rows.
    """
    arrays = []
    left = upload.max_bytes
    with open_archive(upload.path, upload.max_bytes, FILES) as archive:
        names = [name for name in archive.namelist() if NAME.fullmatch(name)]
        ignored = len([member for member in archive.infolist() if not member.is_dir()]) - len(names)
        for number, name in enumerate(names):
            target = upload.scratch / str(number)
            values = _unpacked(partial(archive.open, name), shown(name), target, left)
            left -= values.nbytes
            arrays.append(_Array(name.rpartition("/")[2], values))
    warnings = (f"Not used: {ignored:,} files that are no IDX files.",) if ignored else ()
    return _source(arrays, warnings)


def read_idx_files(paths: Sequence[Path], scratch: Path, max_bytes: int) -> Source:
    """Return the rows of IDX files that stand side by side, told apart as those of an archive."""
    arrays = []
    for number, path in enumerate(paths):
        values = _unpacked(partial(_open, path), shown(path.name), scratch / str(number), max_bytes)
        arrays.append(_Array(path.name, values))
    return _source(arrays, ())


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _source(arrays: list[_Array], warnings: tuple[str, ...]) -> Source:
    by_place: dict[tuple[bool, str], _Array] = {}
    for array in arrays:
        other = by_place.setdefault((array.is_test, array.role), array)
        if other is not array:
            rows = "test rows" if array.is_test else "training rows"
            raise BadData(
                f"Both {shown(other.name)} and {shown(array.name)} are {array.role} of the {rows}.", _HINT
            )
    if (False, "images") not in by_place:
        found = ", ".join(shown(array.name) for array in arrays)
        raise BadData(f"There are no images to train with among {found}.", _HINT)
    labelled = any(role == "labels" for _, role in by_place)
    parts = [_part(by_place, is_test, labelled) for is_test in (False, True) if _has_rows(by_place, is_test)]
    return Source(parts[0], parts[1] if len(parts) > 1 else None, warnings=warnings)


def _has_rows(by_place: dict[tuple[bool, str], _Array], is_test: bool) -> bool:
    return (is_test, "images") in by_place or (is_test, "labels") in by_place


def _part(by_place: dict[tuple[bool, str], _Array], is_test: bool, labelled: bool) -> Part:
    images, labels = by_place.get((is_test, "images")), by_place.get((is_test, "labels"))
    for array, role in ((images, "images"), (labels, "labels")):
        if array is None and (role == "images" or labelled):
            other = next(iter(by_place.values())).name
            rows = "test rows" if is_test else "training rows"
            raise BadData(f"The {role} of the {rows} are missing beside {shown(other)}.", _HINT)
    assert images is not None, "a part has images"
    return Part(
        images.values,
        None if labels is None else labels.values,
        images.name,
        "y" if labels is None else labels.name,
    )


def _unpacked(opened: Callable[[], IO[bytes]], name: str, target: Path, max_bytes: int) -> np.ndarray:
    """Write the content of an IDX file to ``target``, as large as its header says, and map it."""
    try:
        with opened() as packed, _plain(packed) as file:
            shape, dtype = _header(file, name)
            size = left = math.prod(shape) * dtype.itemsize
            if size > max_bytes:
                raise BadData(f"{name} holds {size:,} bytes; at most {max_bytes:,} are read.", None, name)
            with target.open("wb") as unpacked:
                while chunk := file.read(min(left, CHUNK_BYTES)):
                    unpacked.write(chunk)
                    left -= len(chunk)
            has_more = bool(file.read(1))
    except _BROKEN as error:
        # With a number it is the disk that is at fault, not the file.
        if isinstance(error, OSError) and error.errno:
            raise
        raise BadData(f"{name} is damaged, or was cut off.", "Fetch it again.", name) from None
    if left or has_more:
        raise BadData(
            f"{name} says that it holds {list(shape)} of {dtype.name}, {size:,} bytes; there are"
            f" {'more' if has_more else f'{size - left:,}'}.",
            "Fetch it again.",
            name,
        )
    return np.memmap(target, dtype, "r", shape=shape)


@contextmanager
def _plain(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield a file unpacked, if it is gzipped."""
    start = file.read(len(_GZIP))
    file.seek(0)
    if start != _GZIP:
        yield file
        return
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        yield unpacked  # type: ignore[misc]


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    start = file.read(4)
    code, dimensions = (start[2], start[3]) if len(start) == 4 and start[:2] == b"\0\0" else (0, 0)
    lengths = file.read(4 * dimensions)
    known = code in _DTYPES and 1 <= dimensions <= _MAX_DIMENSIONS and len(lengths) == 4 * dimensions
    if not known:
        raise BadData(f"{name} is no IDX file: it begins with {shown(start)}.", _HINT, name)
    shape = struct.unpack(f">{dimensions}I", lengths)
    if 0 in shape:
        raise BadData(f"{name} is empty: its shape is {list(shape)}.", None, name)
    return shape, np.dtype(_DTYPES[code])
