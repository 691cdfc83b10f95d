"""JSON with what JSON cannot carry: NaN and infinity as the bare tokens that other servers write."""

import math
import re
from typing import Any, Protocol

import numpy as np
import orjson

from app.protocols.ports import Array

_NULL_OR_STRING = re.compile(rb'null|"(?:[^"\\]|\\.)*"')


class Told(Protocol):
    """Who is told of what was written."""

    def odd(self) -> None:
        """Take note of an answer with numbers that JSON cannot carry."""


def written(value: Any, arrays: list[Array], told: Told) -> bytes:
    """Return JSON with each float as short as it reads back the same, always with a point or an exponent.

    ``arrays`` are all numbers of ``value`` in the order in which they are written; ``told`` hears of tokens.
    """
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    if b"null" not in text:
        return text
    # What JSON cannot carry was written as null; there it is written as a token.
    tokens = [token for array in arrays for token in _tokens(array)]
    if not tokens:
        return text
    told.odd()
    odd = iter(tokens)
    # A label may hold that word, or be it.
    return _NULL_OR_STRING.sub(lambda found: next(odd) if found[0] == b"null" else found[0], text)


def _tokens(array: Array) -> list[bytes]:
    flat = np.asarray(array).reshape(-1)
    return [_token(float(value)) for value in flat[~np.isfinite(flat)]]


def _token(value: float) -> bytes:
    if math.isnan(value):
        return b"NaN"
    return b"Infinity" if value > 0 else b"-Infinity"
