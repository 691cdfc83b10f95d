"""Datatypes of the protocol, and tensors as bytes: little-endian, C order, strings with their length."""

import struct
from collections.abc import Mapping

import numpy as np

from app.protocols.ports import Array, Sort

DTYPES: Mapping[str, np.dtype] = {
    "BOOL": np.dtype("?"),
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
    "BYTES": np.dtype(object),
}  # fmt: skip
OF_PORT: Mapping[Sort, str] = {"float": "FP32", "int": "INT32", "string": "BYTES"}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_LENGTH = struct.Struct("<I")


class BytesError(ValueError):
    """Bytes that are no tensor of the dtype and shape that they are said to be."""


def read_strings(content: memoryview, count: int) -> list[bytes]:
    """Return ``count`` strings, each after its length as an unsigned number of four bytes."""
    found: list[bytes] = []
    place = 0
    while place < len(content):
        if len(found) == count:
            raise BytesError(f"there are bytes behind the {count} strings that the shape has")
        if place + _LENGTH.size > len(content):
            raise BytesError("the last string's length is cut off")
        (length,) = _LENGTH.unpack_from(content, place)
        place += _LENGTH.size
        if place + length > len(content):
            raise BytesError(f"a string of {length} bytes is cut off after {len(content) - place}")
        found.append(bytes(content[place : place + length]))
        place += length
    if len(found) < count:
        raise BytesError(f"there are {len(found)} strings, {count} were expected")
    return found


def write(values: Array) -> bytes:
    """Return the bytes of an array of numbers, or of strings (dtype object)."""
    if values.dtype == object:
        encoded = [value if isinstance(value, bytes) else str(value).encode() for value in values.reshape(-1)]
        return b"".join(_LENGTH.pack(len(value)) + value for value in encoded)
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()


def name_of(values: Array) -> str:
    """Return the datatype of an array."""
    if values.dtype == object:
        return "BYTES"
    return _NAMES[values.dtype.newbyteorder("<")]
