"""Requests that differ in nothing but the bytes behind their JSON part, which is then read but once."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from app.protocols.open_inference.datatypes import DTYPES
from app.protocols.open_inference.outputs import Wanted
from app.protocols.ports import Array, Port, PortError

# A longer JSON part is not kept, and so many are.
_LONGEST, _MOST = 1024, 64


class Request(NamedTuple):
    """One request, read; without an identifier none is told. ``seconds`` is how long its client waits."""

    id: str | None
    inputs: dict[str, Array]
    wanted: list[Wanted]
    seconds: float | None = None

    @property
    def names(self) -> list[str]:
        """The outputs that are needed."""
        return [wanted.name for wanted in self.wanted]


class _Part(NamedTuple):
    """One tensor of numbers: what it is, and where it begins behind the JSON part."""

    port: Port
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    place: int


class _Known(NamedTuple):
    parts: tuple[_Part, ...]
    bytes: int
    request: Request


class Repeated:
    """The last JSON parts that had all their tensors behind them, as numbers, and no fault."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self._ports = {port.name: port for port in ports}
        self._known: dict[bytes, _Known] = {}

    def find(self, text: bytes, body: bytes) -> Request | None:
        """Return the request with these bytes behind a JSON part that is known.

        None if there is something new to it, or something wrong with its values.
        """
        known = self._known.get(text)
        if known is None or len(body) - len(text) != known.bytes:
            return None
        try:
            inputs = {
                port.name: port.take(
                    np.frombuffer(body, dtype, math.prod(shape), len(text) + place).reshape(shape)
                )
                for port, dtype, shape, place in known.parts
            }
        except PortError:
            return None
        return known.request._replace(inputs=inputs)

    def keep(self, text: bytes, document: Mapping[str, Any], request: Request) -> None:
        """Keep what a JSON part said that was just read without fault, if it is as the others are."""
        if len(text) > _LONGEST:
            return
        parts: list[_Part] = []
        place = 0
        for sent in document["inputs"]:
            dtype, shape = DTYPES[sent["datatype"]], tuple(sent["shape"])
            if "data" in sent or dtype.hasobject:
                return
            parts.append(_Part(self._ports[sent["name"]], dtype, shape, place))
            place += math.prod(shape) * dtype.itemsize
        if len(self._known) >= _MOST:
            self._known.clear()
        # Without the tensors: they are those of one request alone.
        self._known[text] = _Known(tuple(parts), place, request._replace(inputs={}))
