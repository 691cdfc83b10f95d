"""Arrays as NumPy's own files, ``application/x-npy``: read without trust, and written."""

import io
import math
import tokenize
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import Invalid
from app.protocols.json_exact import LARGEST, Array, row_shapes
from models.signature import TensorSignature

NPY_TYPE = "application/x-npy"
NPY_MAGIC = b"\x93NUMPY"
_KINDS = "iuf"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_BROKEN = (ValueError, TypeError, SyntaxError, EOFError, KeyError, MemoryError, tokenize.TokenError)

Shape = tuple[int, ...]


def read_npy(body: bytes, tensor: TensorSignature, max_rows: int) -> Array:
    """Return ``float32[rows, *tensor.shape]``; raise :class:`~app.errors.Invalid` for anything else."""
    values = _rows(body, row_shapes(tensor.shape).__contains__, tensor.shape, max_rows)
    _require_finite(values)
    return np.ascontiguousarray(values, np.float32).reshape(len(values), *tensor.shape)


def read_padded_npy(body: bytes, tensor: TensorSignature, max_rows: int) -> Array:
    """Return ``float32[rows, *tensor.shape]`` of sequences of any length, padded with NaN at the end.

    The file may pad them to any length. Raises :class:`~app.errors.Invalid` for anything else.
    """
    most, features = tensor.shape
    given = _rows(
        body,
        lambda row: len(row) > 0 and 1 <= row[0] <= most and row in row_shapes((row[0], features)),
        tensor.shape,
        max_rows,
    )
    values = given.reshape(*given.shape[:2], features)
    padding = np.isnan(values).all(axis=2)
    torn = padding[:, 0] | (padding[:, :-1] & ~padding[:, 1:]).any(axis=1)
    if torn.any():
        raise _refused(
            f"Row {torn.argmax()}: expected at least one step, and steps that are NaN only at the end.",
            "not_finite",
        )
    _require_finite(np.where(padding[:, :, None], 0, values))
    read = np.full((len(values), most, features), np.nan, np.float32)
    read[:, : values.shape[1]] = values
    return read


def write_npy(values: npt.NDArray[Any]) -> bytes:
    """Return the file of an array."""
    content = io.BytesIO()
    np.save(content, values, allow_pickle=False)
    return content.getvalue()


def _rows(body: bytes, fits: Callable[[Shape], bool], row: Shape, max_rows: int) -> npt.NDArray[Any]:
    """Return the numbers of a file as they stand there."""
    shape, fortran, dtype, start = _header(body)
    if dtype.kind not in _KINDS or len(shape) == 0 or not fits(shape[1:]):
        raise _refused(
            f"Expected numbers of the shape [rows, {', '.join(map(str, row))}], "
            f"got {dtype} of the shape {list(shape)}."
        )
    if not 0 < shape[0] <= max_rows:
        raise _refused(f"Expected 1 to {max_rows} rows, got {shape[0]}.", "too_many_rows")
    # Before an array is made: a header may promise more than all memory.
    if len(body) - start != math.prod(shape) * dtype.itemsize:
        raise _refused(
            f"The file holds {len(body) - start} bytes of data, not those of {list(shape)} {dtype}."
        )
    return np.frombuffer(body, dtype, offset=start).reshape(shape, order="F" if fortran else "C")


def _require_finite(values: npt.NDArray[Any]) -> None:
    # Asked this way round, since a NaN is within no bounds.
    wrong = np.argwhere(~(np.abs(values.astype(np.float64)) <= LARGEST))
    if len(wrong):
        row, *place = wrong[0].tolist()
        raise _refused(f"Row {row} holds a value that is no finite float32, at {place}.", "not_finite")


def _header(body: bytes) -> tuple[Shape, bool, np.dtype[Any], int]:
    content = io.BytesIO(body)
    try:
        read = _HEADERS[np.lib.format.read_magic(content)]
        shape, fortran, dtype = read(content)
    except _BROKEN as error:
        raise _refused(f"The body is not a whole .npy file of version 1 or 2: {error}.") from None
    if any(length < 0 for length in shape):
        raise _refused(f"The body is not a whole .npy file: its shape is {list(shape)}.")
    return shape, fortran, dtype, content.tell()


def _refused(message: str, code: str = "npy_invalid") -> Invalid:
    return Invalid(message, code=code)
