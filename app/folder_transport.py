"""A Celery broker in a folder, for one machine: messages are files that appear and vanish whole.

kombu's own ``filesystem`` transport shows a file before it is written, and dies of one that it cannot read.
This one knows queues only, no exchanges: it carries the doorbell, where a lost message costs only a poll.
"""

import json
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, virtual

SCHEME = "folder"
POLLING_SECONDS = 0.05
# Celery asks for 2 s, in which it would not see that it was told to stop.
LONGEST_DRAIN_SECONDS = 0.25


class Channel(virtual.Channel):  # type: ignore[misc] # kombu ships no types
    """Queues as files of one folder; a message is its consumer's who removes its file."""

    @property
    def _folder(self) -> Path:
        return Path(self.connection.client.transport_options["folder"])

    def _put(self, queue: str, message: dict[str, Any], **_options: Any) -> None:
        folder = self._folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        temporary = folder / f"{name}.tmp"
        temporary.write_text(json.dumps(message))
        # Wall-clock time, so that the order of names also holds across a restart of the machine.
        temporary.rename(folder / f"{time.time_ns():020d}_{name}.{queue}.msg")

    def _get(self, queue: str) -> dict[str, Any]:
        for path in sorted(self._waiting(queue)):
            message = _take(path)
            if message is not None:
                return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        return sum(_take(path) is not None for path in self._waiting(queue))

    def _waiting(self, queue: str) -> list[Path]:
        folder = self._folder
        return [folder / name for name in _names(folder) if name.partition(".")[2] == f"{queue}.msg"]


class Transport(virtual.Transport):  # type: ignore[misc] # kombu ships no types
    """The transport of ``folder://``; its one option ``folder`` says where."""

    Channel = Channel
    polling_interval = POLLING_SECONDS
    driver_type = driver_name = SCHEME

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """Deliver one message, or raise ``TimeoutError``; never later than a quarter of a second."""
        if timeout is not None:
            timeout = min(timeout, LONGEST_DRAIN_SECONDS)
        super().drain_events(connection, timeout=timeout)

    def driver_version(self) -> str:
        """Return what Celery shows in its reports."""
        return "1"


def register() -> None:
    """Make ``folder://`` known to kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


def clear(folder: Path) -> None:
    """Remove all messages and what was left half-written; for the only consumer, before it starts."""
    for name in _names(folder):
        if name.endswith((".msg", ".tmp")):
            (folder / name).unlink(missing_ok=True)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _take(path: Path) -> dict[str, Any] | None:
    """Remove a file and return its message; None if it holds none, or if somebody else took it."""
    try:
        content = path.read_bytes()
        path.unlink()
        message = json.loads(content)
    except (OSError, ValueError):
        return None
    return message if isinstance(message, dict) else None
