"""Answers as TensorFlow Serving writes them: in rows or in columns; NaN and infinity as bare tokens."""

import math
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import orjson

from app.protocols.ports import Array

_NULL = re.compile(rb"null")


def predictions(outputs: Mapping[str, Array]) -> bytes:
    """Return the answer in rows: values where there is one output, else objects by output."""
    if len(outputs) == 1:
        (only,) = outputs.values()
        return b'{"predictions":%b}' % written(np.ascontiguousarray(only), [only])
    names = list(outputs)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*outputs.values(), strict=True)]
    return b'{"predictions":%b}' % written(rows, list(chain.from_iterable(row.values() for row in rows)))


def columns(outputs: Mapping[str, Array]) -> bytes:
    """Return the answer in columns: nested lists of one output, else an object by output."""
    whole = {name: np.ascontiguousarray(values) for name, values in outputs.items()}
    value = next(iter(whole.values())) if len(whole) == 1 else whole
    return b'{"outputs":%b}' % written(value, list(whole.values()))


def results(value: Any, arrays: list[Array]) -> bytes:
    """Return the answer of classify and regress."""
    return b'{"results":%b}' % written(value, arrays)


def written(value: Any, arrays: list[Array]) -> bytes:
    """Return JSON with each float as short as it reads back the same, always with a point or an exponent.

    ``arrays`` are all numbers of ``value`` in the order in which they are written.
    """
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    if b"null" not in text:
        return text
    # What JSON cannot carry was written as null; there it is written as a token.
    odd = (token for array in arrays for token in _tokens(array))
    return _NULL.sub(lambda _: next(odd), text)


def _tokens(array: Array) -> list[bytes]:
    flat = np.asarray(array).reshape(-1)
    return [_token(float(value)) for value in flat[~np.isfinite(flat)]]


def _token(value: float) -> bytes:
    if math.isnan(value):
        return b"NaN"
    return b"Infinity" if value > 0 else b"-Infinity"
