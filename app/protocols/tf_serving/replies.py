"""Answers as TensorFlow Serving writes them: in rows or in columns."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from app.protocols.json_tokens import Told, written
from app.protocols.ports import Array


def predictions(told: Told, outputs: Mapping[str, Array]) -> bytes:
    """Return the answer in rows: values where there is one output, else objects by output."""
    if len(outputs) == 1:
        (only,) = outputs.values()
        return b'{"predictions":%b}' % written(np.ascontiguousarray(only), [only], told)
    names = list(outputs)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*outputs.values(), strict=True)]
    numbers = list(chain.from_iterable(row.values() for row in rows))
    return b'{"predictions":%b}' % written(rows, numbers, told)


def columns(told: Told, outputs: Mapping[str, Array]) -> bytes:
    """Return the answer in columns: nested lists of one output, else an object by output."""
    whole = {name: np.ascontiguousarray(values) for name, values in outputs.items()}
    value = next(iter(whole.values())) if len(whole) == 1 else whole
    return b'{"outputs":%b}' % written(value, list(whole.values()), told)


def results(told: Told, value: Any, arrays: list[Array]) -> bytes:
    """Return the answer of classify and regress."""
    return b'{"results":%b}' % written(value, arrays, told)
