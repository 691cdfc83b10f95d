"""What a child writes, as the supervisor may trust it: lines of bounded length, events of known shape."""

import json
import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from app.jobs.recording import Reported, finite
from workers.protocol import ChildEvent, Failure

LINE_BYTES = 16 * 1024**2
MAX_DEPTH = 40
MESSAGE_CHARACTERS = 4000
# Both databases keep steps in 32 bits.
_Count = Annotated[int, Field(ge=0, lt=2**31)]
_Seconds = Annotated[float | None, AfterValidator(finite)]
_Name = Annotated[str, Field(min_length=1, max_length=100)]


class LineSplitter:
    """Cuts a stream of bytes into lines; a line of more than ``limit`` bytes is dropped and counted."""

    def __init__(self, limit: int = LINE_BYTES) -> None:
        self.dropped = 0
        self._limit = limit
        self._begun = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that ``chunk`` completes, without their ends."""
        *complete, rest = chunk.split(b"\n")
        lines = []
        for part in complete:
            line, self._begun = bytes(self._begun + part), bytearray()
            if self._skipping or len(line) > self._limit:
                self.dropped += 1
            else:
                lines.append(line)
            self._skipping = False
        self._begun += rest
        if len(self._begun) > self._limit:
            self._begun, self._skipping = bytearray(), True
        return lines


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Phase(_Data):
    phase: _Name


class _Progress(_Data):
    epoch: _Count | None = None
    epochs: _Count | None = None
    step: _Count | None = None
    steps: _Count | None = None
    eta: _Seconds = None


class _Epoch(_Data):
    epoch: _Count
    epochs: _Count
    step: _Count
    metrics: dict[_Name, float | None]
    seconds: _Seconds = None
    eta: _Seconds = None
    flags: dict[_Name, Literal["nan", "inf", "-inf"]] = Field(default_factory=dict, exclude=True)

    @model_validator(mode="after")
    def _restore_numbers(self) -> "_Epoch":
        # In JSON such a number is null, and its flag says which it was.
        for key in self.flags.keys() & self.metrics.keys():
            self.metrics[key] = float(self.flags[key])
        return self


class _Place(_Data):
    epoch: _Count
    step: _Count
    seconds: _Seconds = None


class _Log(_Data):
    level: Literal["debug", "info", "warning", "error"] = "info"
    message: Annotated[str, BeforeValidator(lambda text: str(text)[:MESSAGE_CHARACTERS])]


_SHAPES: dict[str, type[BaseModel]] = {
    "phase": _Phase,
    "progress": _Progress,
    "epoch": _Epoch,
    "log": _Log,
    "checkpoint": _Place,
    "resumed": _Place,
    "error": Failure,
}
# Of these, only what the child has sent is told.
_PARTIAL = frozenset({"progress", "epoch", "checkpoint", "resumed"})


def parse(line: bytes) -> Reported | None:
    """Return the event of one line, or None if it is not one; what it holds can be stored."""
    try:
        event = ChildEvent.model_validate(json.loads(line))
        data = _storable(event.data)
        shape = _SHAPES.get(event.type)
        if shape is not None:
            data = shape.model_validate(data).model_dump(exclude_unset=event.type in _PARTIAL)
    except (ValueError, ValidationError, RecursionError):
        return None
    return Reported(event.type, data if event.type == "epoch" else _finite(data))


def _storable(value: Any, depth: int = 0) -> Any:
    """Return ``value`` with text that both databases can keep: no NUL, no half of a surrogate pair."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_storable(member, depth + 1) for member in value]
    return value


def _finite(value: Any) -> Any:
    """Return ``value`` with null in place of the numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
