"""The inputs of a request: named tensors whose values stand in the JSON, or as bytes behind it."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from app.errors import BadRequest, TooLarge
from app.protocols.instances import described
from app.protocols.open_inference.datatypes import DTYPES, BytesError, read_strings
from app.protocols.ports import Array, Port, PortError

_MOST_DIMENSIONS = 16
_DEEPEST = 100
_LARGEST = 2**40
_BYTE = np.dtype("u1")


class Limits(NamedTuple):
    """How many rows a request may have, and how many bytes the values of one input."""

    rows: int
    bytes: int


def read_inputs(
    document: Mapping[str, Any], binary: memoryview, ports: Sequence[Port], limits: Limits
) -> dict[str, Array]:
    """Return what the graph takes, by name.

    Raises :class:`~app.errors.BadRequest` and :class:`~app.errors.TooLarge`, which name the input.
    """
    sent = document.get("inputs")
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise BadRequest("Expected 'inputs', a list of objects with name, shape, datatype and data.")
    known = {port.name: port for port in ports}
    tensors: dict[str, Array] = {}
    place = 0
    for number, each in enumerate(sent):
        name = each.get("name")
        if not isinstance(name, str) or name not in known:
            raise BadRequest(
                f"unexpected inference input {str(name)[:60]!r}; expected {', '.join(list(known)[:20])}"
            )
        if name in tensors:
            raise BadRequest(f"input {name!r} is given twice, again at inputs[{number}]")
        shape = _shape(each.get("shape"), name)
        _require_little(each.get("datatype"), shape, name, limits.bytes)
        values, place = _tensor(each, shape, name, binary, place)
        tensors[name] = _taken(known[name], values, limits.rows)
    if place < len(binary):
        raise BadRequest(
            f"unexpected additional input data: {len(binary) - place} bytes behind the last tensor"
        )
    missing = [name for name in known if name not in tensors]
    if missing:
        raise BadRequest(
            f"expected {len(known)} inputs but got {len(tensors)}; missing: {', '.join(missing[:20])}"
        )
    counts = {name: len(values) for name, values in tensors.items()}
    if len(set(counts.values())) > 1:
        raise BadRequest(f"the inputs have different numbers of rows: {dict(list(counts.items())[:10])}")
    return tensors


def _require_little(datatype: Any, shape: tuple[int, ...], name: str, most: int) -> None:
    """Refuse what a shape says would take more memory than a body may; before anything is made of it."""
    implied = math.prod(shape) * DTYPES.get(str(datatype), _BYTE).itemsize
    if implied > most:
        raise TooLarge(
            f"input {name!r}: the shape {str(list(shape))[:60]} takes {implied:,} bytes; "
            f"at most {most:,} are taken.",
            extra={"limit": most},
        )


def _tensor(
    sent: Mapping[str, Any], shape: tuple[int, ...], name: str, binary: memoryview, place: int
) -> tuple[Array, int]:
    datatype = sent.get("datatype")
    if not isinstance(datatype, str) or datatype not in DTYPES:
        raise BadRequest(
            f"input {name!r}: expected a datatype of {', '.join(DTYPES)}, got {str(datatype)[:40]!r}"
        )
    parameters = sent.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadRequest(f"input {name!r}: 'parameters' must be an object")
    size = parameters.get("binary_data_size")
    if size is None:
        if "data" not in sent:
            raise BadRequest(f"input {name!r} has neither data nor the parameter binary_data_size")
        return _of_json(sent["data"], datatype, shape, name), place
    if "data" in sent:
        raise BadRequest(f"input {name!r} has both data and the parameter binary_data_size")
    if type(size) is not int or not 0 <= size <= len(binary) - place:
        raise BadRequest(
            f"input {name!r}: binary_data_size must be at most {len(binary) - place}, "
            f"the bytes that are left, got {str(size)[:40]}"
        )
    return of_bytes(binary[place : place + size], datatype, shape, name), place + size


def _shape(shape: Any, name: str) -> tuple[int, ...]:
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MOST_DIMENSIONS
        or not all(type(side) is int and side >= 0 for side in shape)
    ):
        raise BadRequest(
            f"input {name!r}: expected a shape, a list of whole numbers from 0, got {str(shape)[:60]}"
        )
    # In Python's own numbers, which do not overflow.
    if math.prod(side for side in shape if side) > _LARGEST:
        raise BadRequest(f"input {name!r}: the shape {str(shape)[:60]} has too many elements")
    return tuple(shape)


def of_bytes(content: memoryview, datatype: str, shape: tuple[int, ...], name: str) -> Array:
    """Return a tensor of these bytes, without a copy where numbers are little-endian here."""
    count, dtype = math.prod(shape), DTYPES[datatype]
    if datatype == "BYTES":
        try:
            strings = read_strings(content, count)
        except BytesError as error:
            raise BadRequest(f"input {name!r}: {error}") from None
        return _strings(strings, shape, name)
    if len(content) != count * dtype.itemsize:
        raise BadRequest(
            f"input {name!r}: the shape {list(shape)} of {datatype} takes {count * dtype.itemsize} bytes, "
            f"got {len(content)}"
        )
    return np.frombuffer(content, dtype).reshape(shape)


def _of_json(data: Any, datatype: str, shape: tuple[int, ...], name: str) -> Array:
    if datatype == "FP16":
        raise BadRequest(f"input {name!r}: FP16 has no form in JSON; send it as binary data")
    level, depth = data, 0
    while isinstance(level, list) and level and isinstance(level[0], list):
        if not all(isinstance(member, list) for member in level) or depth == _DEEPEST:
            raise BadRequest(f"input {name!r}: the data is nested unevenly or too deeply")
        level, depth = list(chain.from_iterable(level)), depth + 1
    count = math.prod(shape)
    if not isinstance(level, list) or len(level) != count:
        got = len(level) if isinstance(level, list) else described(level)
        raise BadRequest(f"input {name!r}: the shape {list(shape)} has {count} elements, got {got}")
    if datatype == "BYTES":
        if not all(isinstance(value, str) for value in level):
            raise BadRequest(f"input {name!r}: BYTES in JSON are strings")
        return _objects(level).reshape(shape)
    _require_type(level, datatype, name)
    try:
        # Floating-point numbers beyond it become infinite, or 0.
        with np.errstate(over="ignore", under="ignore"):
            return np.array(level, DTYPES[datatype]).reshape(shape)
    except OverflowError:
        raise BadRequest(f"input {name!r}: a number is outside of {datatype}") from None


def _require_type(values: list[Any], datatype: str, name: str) -> None:
    allowed: tuple[type, ...] = (int, float)
    if datatype == "BOOL":
        allowed = (bool,)
    elif not datatype.startswith("FP"):
        allowed = (int,)
    for place, value in enumerate(values):
        if type(value) not in allowed:
            raise BadRequest(f"input {name!r}: element {place} is {described(value)}, which is no {datatype}")


def _strings(values: list[bytes], shape: tuple[int, ...], name: str) -> Array:
    try:
        return _objects([value.decode() for value in values]).reshape(shape)
    except UnicodeDecodeError:
        # Pictures are bytes that are no text.
        return _objects(values).reshape(shape)


def _objects(values: list[Any]) -> Array:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _taken(port: Port, values: Array, max_rows: int) -> Array:
    if len(values) > max_rows:
        raise BadRequest(f"input {port.name!r}: expected at most {max_rows} rows, got {len(values)}")
    try:
        if port.see is not None and values.dtype == object:
            return seen(port, values)
        return port.take(values)
    except PortError as error:
        raise BadRequest(f"input {port.name!r}: {error}") from None


def seen(port: Port, values: Array) -> Array:
    """Return rows for pictures that were sent as bytes, ``[rows]`` or ``[rows, 1]``."""
    assert port.see is not None
    pictures = values.reshape(-1)
    if not all(isinstance(picture, bytes) for picture in pictures):
        raise PortError("expected numbers, or PNG or JPEG files as BYTES; got text")
    if not len(pictures):
        return port.take(np.empty((0, *port.shape), np.float32))
    return np.concatenate([port.see(picture) for picture in pictures])
