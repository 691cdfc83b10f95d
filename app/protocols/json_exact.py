"""Rows of numbers in JSON, read exactly: every rule, and every error with its place."""

import json
import math
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import Invalid
from app.protocols.instances import FIELD, described, instances_of, invalid, parse, require_room
from models.signature import TensorSignature

Array = npt.NDArray[np.float32]

# The largest number that a float32 can hold.
LARGEST = float(np.finfo(np.float32).max)


def read_exact(body: bytes, tensor: TensorSignature, max_rows: int, field: str = FIELD) -> Array:
    """Return ``float32[rows, *tensor.shape]``, or raise with a pointer to the first thing that is wrong."""
    shape = tensor.shape
    lists = sum(math.prod(shape[:axis]) for axis in range(len(shape)))
    require_room(body, field, max_rows, lists=lists, values=math.prod(shape))
    document, refusal = parse(body, field)
    rows = instances_of(document, field, max_rows)
    values = numbers(rows, _row_shape(rows[0], shape), shape, f"/{field}")
    if refusal is not None:
        raise refusal
    return values.astype(np.float32).reshape(len(rows), *shape)


def row_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes that a row may be sent in: a last axis of length 1 may be left out."""
    return [shape, shape[:-1]] if shape[-1] == 1 else [shape]


def _row_shape(row: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape among those allowed that ``row`` is nested like; if none fits, the full one."""
    depth = 0
    while isinstance(row, list):
        depth += 1
        row = row[0] if row else None
    return next((allowed for allowed in row_shapes(shape) if len(allowed) == depth), shape)


def numbers(
    rows: list[Any], shape: tuple[int, ...], full: tuple[int, ...], place: str
) -> npt.NDArray[np.float64]:
    """Return all numbers of all rows in one flat array, after checking one level of nesting after another.

    Each row is to be nested like ``shape``; errors name the ``full`` one, and begin at ``place``.
    """
    lengths = (len(rows), *shape)
    level = rows
    for axis, length in enumerate(shape, start=1):
        for index, member in enumerate(level):
            if type(member) is not list or len(member) != length:
                plural = "" if length == 1 else "s"
                expected = f"a list of {length} {'number' if axis == len(shape) else 'list'}{plural}"
                raise wrong_member(member, expected, place + _pointer(index, lengths[:axis]), full)
        level = list(chain.from_iterable(level))
    for index, value in enumerate(level):
        # A bool is an int to isinstance, and a NaN is within no bounds.
        if type(value) not in (int, float):
            raise wrong_member(value, "a number", place + _pointer(index, lengths), full)
        if not -LARGEST <= value <= LARGEST:
            raise not_finite(json.dumps(value), place + _pointer(index, lengths))
    return np.array(level, np.float64)


def wrong_member(member: Any, expected: str, pointer: str, full: tuple[int, ...]) -> Invalid:
    """Return the refusal of something that is nested otherwise than a row is."""
    code = "wrong_length" if isinstance(member, list) and expected != "a number" else "wrong_type"
    return invalid(
        pointer, code, f"Expected {expected}, got {described(member)}; a row has the shape {list(full)}."
    )


def not_finite(value: str, pointer: str) -> Invalid:
    """Return the refusal of a number that no float32 can hold."""
    message = f"Expected a finite number within ±{LARGEST:.7g}, got the number {value[:64]}."
    return invalid(pointer, "not_finite", message)


def _pointer(index: int, lengths: tuple[int, ...]) -> str:
    """Return where the ``index``-th member of a level is; ``lengths`` are those of the levels down to it."""
    place: list[str] = []
    for length in reversed(lengths):
        index, here = divmod(index, length)
        place.append(str(here))
    return "".join(f"/{step}" for step in reversed(place))
