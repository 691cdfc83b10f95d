"""From values in JSON to tensors, with TensorFlow Serving's rules and errors."""

import base64
import binascii
import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from app.errors import BadRequest
from app.protocols.instances import described
from app.protocols.ports import Array, Sort

_JSON_TYPES = {
    bool: "Boolean", int: "Number", float: "Number", str: "String", dict: "Object", type(None): "Null",
    list: "Array",
}  # fmt: skip
_TENSOR_TYPES: Mapping[Sort, str] = {"float": "float", "int": "int32", "string": "string"}
_DEEPEST = 32


def tensor_of(value: Any, sort: Sort) -> Array:
    """Return nested lists as an array of numbers, whole numbers or strings; all lists of a level are alike.

    Raises :class:`~app.errors.BadRequest`.
    """
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        length = len(level[0])
        shape.append(length)
        if len(shape) > _DEEPEST:
            raise BadRequest(f"Expecting at most {_DEEPEST} dimensions, got more.")
        for member in level:
            if not isinstance(member, list):
                raise BadRequest(f"Expecting value/list but got {described(member)}: rows differ in depth.")
            if len(member) != length:
                raise BadRequest(f"Expecting tensor size: {length} but got: {len(member)}")
        level = list(chain.from_iterable(level))
    values = [_value(member, sort) for member in level]
    dtype = {"float": np.float64, "int": np.int64, "string": object}[sort]
    found = np.empty(len(values), dtype)
    found[:] = values
    return found.reshape(shape)


def _value(value: Any, sort: Sort) -> Any:
    match sort:
        case "float" if type(value) in (int, float):
            return _bounded(value)
        case "int" if type(value) is int and abs(value) < 2**63:
            return value
        case "string" if type(value) is str:
            return value
        case "string" if isinstance(value, dict):
            return text_of(value)
    shown = described(value) if isinstance(value, list | dict) else json.dumps(value)[:40]
    raise BadRequest(
        f"JSON Value: {shown} Type: {_JSON_TYPES[type(value)]} is not of expected type: {_TENSOR_TYPES[sort]}"
    )


def _bounded(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def bytes_of(value: dict[str, Any]) -> bytes:
    """Return what an object ``{"b64": text}`` holds."""
    encoded = value.get("b64")
    if len(value) != 1 or not isinstance(encoded, str):
        raise BadRequest(
            'JSON Value is not formatted correctly for base64 data: expected {"b64": text}, '
            f"got an object with {', '.join(map(repr, list(value)[:3]))[:60] or 'no member'}."
        )
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("Unable to base64 decode: the text under 'b64' is not base64.") from None


def text_of(value: dict[str, Any]) -> str:
    """Return the text that an object ``{"b64": text}`` holds."""
    try:
        return bytes_of(value).decode()
    except UnicodeDecodeError:
        raise BadRequest("Expected text in UTF-8 under 'b64'.") from None
