"""Rows of numbers in JSON, read fast: ``{"instances": [row, …]}`` straight to one array.

simdjson reads numbers into a flat buffer and forgets how they were nested, so the nesting is proven first:
a body without the characters of numbers and without white space must be, byte for byte, what that many
rows of the right shape leave. What is left are brackets and commas, each where the shape wants it, with
room for one number at most between two of them; as many numbers as the shape wants leave no place empty.
Everything else goes to :mod:`app.protocols.json_exact`, which knows the rule or the error.
"""

import math
import threading
from typing import Any

import numpy as np
import simdjson

from app.protocols.instances import FIELD
from app.protocols.json_exact import LARGEST, Array, read_exact, row_shapes
from models.signature import TensorSignature

_NUMBERS_AND_SPACE = b"0123456789+-.eE \t\r\n"
_TAIL = b"]}"
# A parser of each thread for short bodies: to make one takes as long as to read them, and it keeps the memory
# that it needed for the longest.
_SHORT = 64 * 1024
_kept = threading.local()


class RowsReader:
    """Reads bodies for one input tensor, whose rows stand under ``field``; several threads may use it."""

    def __init__(self, tensor: TensorSignature, max_rows: int, field: str = FIELD) -> None:
        self._tensor = tensor
        self._max_rows = max_rows
        self._field = field
        self._head = f'{{"{field}":['.encode().translate(None, _NUMBERS_AND_SPACE)
        self._values = math.prod(tensor.shape)
        self._skeletons = [_skeleton(shape) for shape in row_shapes(tensor.shape)]
        self._single = frozenset(self._head + skeleton + _TAIL for skeleton in self._skeletons)

    def read(self, body: bytes) -> Array:
        """Return ``float32[rows, *shape]``.

        Raises :class:`~app.errors.BadRequest` for what is not JSON and :class:`~app.errors.Invalid`, with
        a pointer, for what does not fit.
        """
        rows = self.read_fast(body)
        return rows if rows is not None else self.read_exact(body)

    def read_fast(self, body: bytes) -> Array | None:
        """Return the rows if the body is of the common form, else None; never a wrong array."""
        rows = self._count(body.translate(None, _NUMBERS_AND_SPACE))
        if not 0 < rows <= self._max_rows:
            return None
        try:
            values = np.frombuffer(_numbers(body, self._field), np.float64)
        except (ValueError, KeyError, TypeError, RuntimeError):
            return None
        if values.size != rows * self._values:
            return None
        with np.errstate(over="ignore"):
            squares = values.dot(values)
        # Then none is beyond that bound; should many together be, they are read slowly.
        if not squares <= LARGEST**2:
            return None
        return values.astype(np.float32).reshape(rows, *self._tensor.shape)

    def read_exact(self, body: bytes) -> Array:
        """Return the same rows, slowly, or raise with the exact place and reason."""
        return read_exact(body, self._tensor, self._max_rows, self._field)

    def _count(self, skeleton: bytes) -> int:
        """Return how many rows have left this skeleton; 0 if none of the right shape can have."""
        if skeleton in self._single:
            return 1
        for row in self._skeletons:
            # Every row but the last is followed by a comma.
            rows, rest = divmod(len(skeleton) - len(self._head) - len(_TAIL) + 1, len(row) + 1)
            if rest == 0 and rows > 0 and skeleton == self._head + b",".join([row] * rows) + _TAIL:
                return rows
        return 0


def _numbers(body: bytes, field: str) -> Any:
    """Return a buffer of all numbers of a member as float64, however they are nested.

    A parser can be used again once what it returned last is gone; so that does not leave this function.
    """
    document: Any = _parser(len(body)).parse(body)
    return document[field].as_buffer(of_type="d")


def _parser(size: int) -> simdjson.Parser:
    if size > _SHORT:
        return simdjson.Parser()
    try:
        parser: simdjson.Parser = _kept.parser
    except AttributeError:
        parser = _kept.parser = simdjson.Parser()
    return parser


def _skeleton(shape: tuple[int, ...]) -> bytes:
    """Return what a row of this shape leaves when its numbers are taken away."""
    if not shape:
        return b""
    return b"[" + b",".join([_skeleton(shape[1:])] * shape[0]) + b"]"
