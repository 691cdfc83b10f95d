"""Arrays as NumPy's own files, ``application/x-npy``: read without trust, and written."""

import io
import math
import tokenize
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


def read_npy(body: bytes, tensor: TensorSignature, max_rows: int) -> Array:
    """Return ``float32[rows, *tensor.shape]``; raise :class:`~app.errors.Invalid` for anything else."""
    shape, fortran, dtype, start = _header(body)
    fitting = [list(row) for row in row_shapes(tensor.shape)]
    if dtype.kind not in _KINDS or len(shape) == 0 or list(shape[1:]) not in fitting:
        raise _refused(
            f"Expected numbers of the shape [rows, {', '.join(map(str, tensor.shape))}], "
            f"got {dtype} of the shape {list(shape)}."
        )
    if not 0 < shape[0] <= max_rows:
        raise _refused(f"Expected 1 to {max_rows} rows, got {shape[0]}.", "too_many_rows")
    # Before an array is made: a header may promise more than all memory.
    if len(body) - start != math.prod(shape) * dtype.itemsize:
        raise _refused(
            f"The file holds {len(body) - start} bytes of data, not those of {list(shape)} {dtype}."
        )
    values = np.frombuffer(body, dtype, offset=start).reshape(shape, order="F" if fortran else "C")
    wrong = np.argwhere(~(np.abs(values.astype(np.float64)) <= LARGEST))
    if len(wrong):
        row, *place = wrong[0].tolist()
        raise _refused(f"Row {row} holds a value that is no finite float32, at {place}.", "not_finite")
    return np.ascontiguousarray(values, np.float32).reshape(shape[0], *tensor.shape)


def write_npy(values: npt.NDArray[Any]) -> bytes:
    """Return the file of an array."""
    content = io.BytesIO()
    np.save(content, values, allow_pickle=False)
    return content.getvalue()


def _header(body: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
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
