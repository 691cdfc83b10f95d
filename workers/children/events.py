"""The stream of events of a child: JSON objects, one on a line, to whoever watches it."""

import json
import math
import os
import threading
from typing import Any

from workers.children.stopping import Stopped

LINE_BYTES = 4 * 1024**2
LOG_CHARACTERS = 4000


class Events:
    """Writes events to a file descriptor; threads may share it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Write one event.

        Numbers that JSON does not know become null, and ``data["flags"]`` tells which by their key: ``nan``,
        ``inf`` or ``-inf``. Raises :class:`Stopped` where nobody reads any more.
        """
        flags: dict[str, str] = {}
        data = finite(data, flags)
        line = json.dumps({"type": event, "data": data | {"flags": flags} if flags else data}) + "\n"
        if len(line) > LINE_BYTES:
            raise ValueError(
                f"an event of at most {LINE_BYTES} bytes was expected, {event!r} has {len(line)}"
            )
        try:
            with self._lock:
                _write(self._descriptor, line.encode())
        except BrokenPipeError:
            raise Stopped from None

    def phase(self, phase: str) -> None:
        """Say what is done from now on."""
        self.send("phase", {"phase": phase})

    def log(self, level: str, message: str) -> None:
        """Tell the job's owner something; of a long message the end is kept, where a traceback says what."""
        cut = message if len(message) <= LOG_CHARACTERS else "…" + message[-LOG_CHARACTERS + 1 :]
        self.send("log", {"level": level, "message": cut})


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


def finite(value: Any, flags: dict[str, str] | None = None, key: str = "") -> Any:
    """Return ``value`` with None for numbers that JSON does not know; ``flags`` then learns which, by key."""
    if isinstance(value, dict):
        return {name: finite(member, flags, name) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [finite(member, flags, key) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        if flags is not None:
            flags[key] = str(value)
        return None
    return value
