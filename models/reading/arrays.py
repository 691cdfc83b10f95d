"""The headers of ``.npy`` members: what an array claims to be, checked before it is unpacked."""

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from models.reading.archive import chunks
from models.reading.errors import BadData, shown

# NumPy writes versions 2 and 3 only for structured arrays with very many or non-Latin field names.
_PLAIN_VERSION = (1, 0)
_KINDS = {
    "O": ("Python objects", "Convert it to an array of numbers, for example with numpy.stack."),
    "V": ("records with named fields", "Save each field as an array of its own."),
    "c": ("complex numbers", "Save real numbers."),
    "M": ("dates", "Save numbers."),
    "m": ("time spans", "Save numbers."),
    "S": ("bytes", "Convert it to text with .astype(str)."),
}


@dataclass(frozen=True)
class Declared:
    """What the header of one array says."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype


def declared(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Declared:
    """Read an array's header, without pickle and without unpacking the array."""
    name = member.filename.removesuffix(".npy")
    start = io.BytesIO(next(chunks(archive, member.filename), b""))
    return _declared(start, member.file_size, name)


def declared_file(path: Path, name: str) -> Declared:
    """Read the header of an array that stands in a file of its own."""
    with path.open("rb") as file:
        return _declared(file, path.stat().st_size, name)


def _declared(start: BinaryIO, size: int, name: str) -> Declared:
    shape, dtype = _read_header(start, name)
    if dtype.kind in _KINDS:
        what, hint = _KINDS[dtype.kind]
        raise BadData(f"{name} holds {what} (dtype {shown(str(dtype))}); numbers were expected.", hint, name)
    if dtype.kind == "f" and dtype.itemsize > 8:
        raise BadData(f"{name} has dtype {dtype}; at most float64 is read.", "Use .astype('float32').", name)
    if 0 in shape:
        raise BadData(f"{name} is empty: its shape is {list(shape)}.", None, name)
    held = size - start.tell()
    if math.prod(shape) * dtype.itemsize != held:
        raise BadData(
            f"{name} says that it is {list(shape)} of {dtype}, but {held:,} bytes follow.",
            "Write the file again; it may have been cut off.",
            name,
        )
    return Declared(name, shape, dtype)


def _read_header(start: BinaryIO, name: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(start)
        if version != _PLAIN_VERSION:
            raise ValueError(version)
        shape, _, dtype = np.lib.format.read_array_header_1_0(start)
        if any(type(length) is not int or length < 0 for length in shape):
            raise ValueError(shape)
    except Exception:  # the header is a Python literal from a stranger: it fails in too many ways to list
        raise BadData(f"{name} is not an array as numpy.save writes it.", None, name) from None
    return shape, dtype
