"""The supervisor: watches one child from its start to its end, and says how it ended.

It writes what the child reports, asks the child to leave when the job is paused or cancelled or the worker
goes away, and kills it when it does not leave, or gets no further for too long. It returns only when the
child is gone.
"""

import math
import os
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from app.jobs.recording import Reported
from workers.child import Child
from workers.journal import Journal
from workers.reports import LineSplitter, parse

# How the watching ended. ``exited``: by itself. ``silent``: it gave no sign of life after its start.
# ``lost``: the job is no longer this attempt's. ``overdue``: it took longer than any job may.
Cause = Literal["exited", "paused", "cancelled", "drained", "hung", "overdue", "silent", "lost"]

LOOK_SECONDS = 0.2
CHUNK_BYTES = 64 * 1024
TAIL_BYTES = 4000
# After a child's end its pipes may still hold what it said last.
LAST_WORDS_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """How long, in seconds, a supervisor waits for a child before it does something about it."""

    first_event: float = 20.0
    silence: float = 600.0
    pause_grace: float = 60.0
    cancel_grace: float = 10.0
    drain_grace: float = 6.0
    whole: float = math.inf


@dataclass
class Ending:
    """How a child ended, and what it left: at most one of ``result`` and ``failure``."""

    cause: Cause = "exited"
    status: int = 0
    result: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    output: bytes = b""
    unreadable: int = 0


class Supervisor:
    """Watches one child. ``draining`` says whether the worker is about to leave."""

    def __init__(
        self, child: Child, journal: Journal, limits: Limits, *, draining: Callable[[], bool], warm: bool
    ) -> None:
        self._child = child
        self._journal = journal
        self._limits = limits
        self._draining = draining
        self._warm = warm
        self._lines = LineSplitter()
        self._ending = Ending()
        self._begun = self._advanced = time.monotonic()
        self._place: tuple[object, ...] = ()
        self._spoken = self._finishing = False
        self._kill_at: float | None = None
        self._open = selectors.DefaultSelector()

    def watch(self) -> Ending:
        """Return when the child is gone; the journal may still hold what it said last."""
        for descriptor in (self._child.events, self._child.output):
            self._open.register(descriptor, selectors.EVENT_READ)
        try:
            while (status := self._child.status()) is None:
                self._listen(LOOK_SECONDS if self._open.get_map() else 0.01)
                self._write()
                self._judge()
            self._ending.status = status
        finally:
            # Nothing that the child has started may live longer than its job.
            self._child.kill()
            self._hear_last_words()
            self._open.close()
            self._child.close()
        self._ending.unreadable += self._lines.dropped
        return self._ending

    def _listen(self, seconds: float) -> None:
        for key, _ in self._open.select(seconds):
            chunk = os.read(key.fd, CHUNK_BYTES)
            if not chunk:
                self._open.unregister(key.fd)
            elif key.fd == self._child.events:
                for line in self._lines.feed(chunk):
                    self._note(line)
            else:
                self._ending.output = (self._ending.output + chunk)[-TAIL_BYTES:]

    def _note(self, line: bytes) -> None:
        self._spoken = True
        event = parse(line)
        if event is None or self._advances(event):
            self._advanced = time.monotonic()
        if event is None:
            self._ending.unreadable += 1
        elif event.type == "result":
            self._ending.result = event.data
        elif event.type == "error":
            self._ending.failure = event.data
        else:
            self._journal.add(event)

    def _advances(self, event: Reported) -> bool:
        """Tell whether an event shows that the work goes on: a step that is told twice does not."""
        if event.type != "progress" or event.data.get("step") is None:
            return event.type != "log"
        place = (event.data.get("epoch"), event.data["step"])
        moved, self._place = place != self._place, place
        return moved

    def _write(self) -> None:
        match self._journal.keep_up():
            case "lost":
                self._end("lost", 0)
            case "cancelling":
                self._end("cancelled", self._limits.cancel_grace)
            case "pausing":
                self._end("paused", self._limits.pause_grace)
            case "finishing" if not self._finishing:
                self._finishing = True
                self._child.finish()

    def _judge(self) -> None:
        """Ask or force the child to leave if there is reason to."""
        silence = time.monotonic() - self._advanced
        if self._draining():
            self._end("drained", self._limits.drain_grace)
        elif self._warm and not self._spoken and silence > self._limits.first_event:
            self._end("silent", 0)
        elif silence > self._limits.silence:
            self._end("hung", 0)
        elif time.monotonic() - self._begun > self._limits.whole:
            # As long as for a pause: it writes a checkpoint, from which a retry goes on.
            self._end("overdue", self._limits.pause_grace)
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._child.kill()

    def _end(self, cause: Cause, grace: float) -> None:
        """Have the child leave within ``grace`` seconds; the first cause counts, the shortest grace too."""
        kill_at = time.monotonic() + grace
        if self._kill_at is None:
            self._ending.cause = cause
            self._child.stop()
        self._kill_at = min(kill_at, self._kill_at or kill_at)

    def _hear_last_words(self) -> None:
        until = time.monotonic() + LAST_WORDS_SECONDS
        while self._open.get_map() and time.monotonic() < until:
            self._listen(0.05)
