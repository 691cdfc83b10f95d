"""Rows of numbers in JSON, read exactly: every rule, and every error with its place."""

import json
import math
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from app.errors import SHOWN_CHARACTERS, BadRequest, FieldError, Invalid, shortened
from models.signature import TensorSignature

Array = npt.NDArray[np.float32]

FIELD = "instances"
# The largest number that a float32 can hold.
LARGEST = float(np.finfo(np.float32).max)
# What fits in so few bytes may become objects, whatever it is.
SMALL_BODY_BYTES = 2 * 1024**2


def read_exact(body: bytes, tensor: TensorSignature, max_rows: int) -> Array:
    """Return ``float32[rows, *tensor.shape]``, or raise with a pointer to the first thing that is wrong."""
    if len(body) > SMALL_BODY_BYTES:
        _require_room(body, tensor.shape, max_rows)
    document, refusal = _parse(body)
    rows = _instances(document, max_rows)
    values = _numbers(rows, _row_shape(rows[0], tensor.shape), tensor.shape)
    if refusal is not None:
        raise refusal
    return values.astype(np.float32).reshape(len(rows), *tensor.shape)


def row_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes that a row may be sent in: a last axis of length 1 may be left out."""
    return [shape, shape[:-1]] if shape[-1] == 1 else [shape]


def _require_room(body: bytes, shape: tuple[int, ...], max_rows: int) -> None:
    """Refuse what has more members than ``max_rows`` rows before each becomes an object 20 times its size."""
    lists = max_rows * sum(math.prod(shape[:axis]) for axis in range(len(shape)))
    values = max_rows * math.prod(shape)
    if body.count(b"[") + body.count(b"{") > lists + 2 or body.count(b",") >= values:
        raise _invalid(
            f"/{FIELD}",
            "too_many_rows",
            f"Expected at most {max_rows} rows of the shape {list(shape)}, got more. Send them in parts.",
        )


def _parse(body: bytes) -> tuple[Any, BadRequest | None]:
    """Return the document, and what to raise if nothing better is found to be wrong with it."""
    try:
        return orjson.loads(body), None
    except orjson.JSONDecodeError as error:
        refusal = BadRequest(f"The body is not valid JSON: {error}.", code="malformed_json")
    if not body.strip():
        raise BadRequest(f'The body is empty. Send {{"{FIELD}": [row, …]}}.', code="malformed_json")
    try:
        # Python also reads NaN, Infinity and numbers beyond all bounds, which can then be pointed at.
        return json.loads(body.decode()), refusal
    except (ValueError, RecursionError):
        raise refusal from None


def _instances(document: Any, max_rows: int) -> list[Any]:
    if not isinstance(document, dict):
        raise _invalid("", "wrong_type", f'Expected {{"{FIELD}": [row, …]}}, got {_described(document)}.')
    for key in document:
        if key != FIELD:
            raise _invalid(
                f"/{_escaped(key)}", "unknown_field", f"Only {FIELD!r} is expected, not {shortened(key)}."
            )
    pointer = f"/{FIELD}"
    if FIELD not in document:
        raise _invalid(pointer, "missing", f"{FIELD!r} is missing: expected a list of rows.")
    rows = document[FIELD]
    if not isinstance(rows, list):
        raise _invalid(pointer, "wrong_type", f"Expected a list of rows, got {_described(rows)}.")
    if not rows:
        raise _invalid(pointer, "empty", "Expected at least one row, got an empty list.")
    if len(rows) > max_rows:
        raise _invalid(
            pointer,
            "too_many_rows",
            f"Expected at most {max_rows} rows, got {len(rows)}. Send them in parts.",
        )
    return rows


def _row_shape(row: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape among those allowed that ``row`` is nested like; if none fits, the full one."""
    depth = 0
    while isinstance(row, list):
        depth += 1
        row = row[0] if row else None
    return next((allowed for allowed in row_shapes(shape) if len(allowed) == depth), shape)


def _numbers(rows: list[Any], shape: tuple[int, ...], full: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return all numbers of all rows in one flat array, after checking one level of nesting after another."""
    lengths = (len(rows), *shape)
    level = rows
    for axis, length in enumerate(shape, start=1):
        for index, member in enumerate(level):
            if type(member) is not list or len(member) != length:
                plural = "" if length == 1 else "s"
                expected = f"a list of {length} {'number' if axis == len(shape) else 'list'}{plural}"
                raise _wrong_member(member, expected, _pointer(index, lengths[:axis]), full)
        level = list(chain.from_iterable(level))
    for index, value in enumerate(level):
        # A bool is an int to isinstance, and a NaN is within no bounds.
        if type(value) not in (int, float):
            raise _wrong_member(value, "a number", _pointer(index, lengths), full)
        if not -LARGEST <= value <= LARGEST:
            raise _invalid(
                _pointer(index, lengths),
                "not_finite",
                f"Expected a finite number within ±{LARGEST:.7g}, got {_described(value)}.",
            )
    return np.array(level, np.float64)


def _wrong_member(member: Any, expected: str, pointer: str, full: tuple[int, ...]) -> Invalid:
    code = "wrong_length" if isinstance(member, list) and expected != "a number" else "wrong_type"
    return _invalid(
        pointer, code, f"Expected {expected}, got {_described(member)}; a row has the shape {list(full)}."
    )


def _pointer(index: int, lengths: tuple[int, ...]) -> str:
    """Return where the ``index``-th member of a level is; ``lengths`` are those of the levels down to it."""
    place: list[str] = []
    for length in reversed(lengths):
        index, here = divmod(index, length)
        place.append(str(here))
    return f"/{FIELD}/" + "/".join(reversed(place))


def _invalid(pointer: str, code: str, message: str) -> Invalid:
    detail = f"{pointer}: {message}" if pointer else message
    return Invalid(detail, errors=[FieldError(pointer, code, message)])


def _described(value: Any) -> str:
    match value:
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case None | bool():
            return json.dumps(value)
        case str():
            return f"the text {shortened(value)}"
        case _:
            return f"the number {json.dumps(value)[:SHOWN_CHARACTERS]}"


def _escaped(key: str) -> str:
    """Return a member's name as RFC 6901 writes it, without what cannot be written as UTF-8."""
    text = key.encode(errors="backslashreplace").decode()[:64]
    return text.replace("~", "~0").replace("/", "~1")
