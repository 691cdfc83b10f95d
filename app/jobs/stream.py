"""Events as they come, for any number of listeners: one process polls the database once for all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.errors import Unavailable
from app.jobs import repository
from app.jobs.schemas import EventRead
from app.jobs.states import TERMINAL

POLL_SECONDS = 0.25
RETRY_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15.0
BATCH = 1000

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Listener:
    """One stream. ``after`` is the last event it was given; it is given more when it has sent those."""

    job_id: str
    after: int
    pending: list[EventRead] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, events: Sequence[tuple[str, EventRead]]) -> None:
        self.pending = [event for job_id, event in events if job_id == self.job_id and event.id > self.after]
        if self.pending:
            self.after = self.pending[-1].id
            self.arrived.set()

    async def take(self) -> list[EventRead]:
        """Return what has come; nothing, if nothing came for as long as a connection may be silent."""
        try:
            await asyncio.wait_for(self.arrived.wait(), KEEP_ALIVE_SECONDS)
        except TimeoutError:
            return []
        self.arrived.clear()
        taken, self.pending = self.pending, []
        return taken


class Broadcaster:
    """Follows the events of those jobs that somebody listens to; idle when nobody does.

    All methods but :meth:`admit` belong to the event loop. ``limit`` bounds the number of listeners.
    """

    def __init__(self, database: Database, *, limit: int = 200) -> None:
        self._database = database
        self._limit = limit
        self._listeners: set[_Listener] = set()
        self._poller: asyncio.Task[None] | None = None

    def admit(self) -> None:
        """Raise ``too_many_streams`` when as many listen as may."""
        if len(self._listeners) >= self._limit:
            raise Unavailable(
                f"{self._limit} event streams are open, as many as this process serves. Try again later, "
                "or read the events as a JSON list with ?after=.",
                code="too_many_streams",
                headers={"Retry-After": "10"},
            )

    async def follow(self, job_id: str, after: int, until: int | None = None) -> AsyncIterator[str]:
        """Yield a job's events after ``after`` as server-sent events, up to its last state.

        ``until`` is the last event of a job that has ended. A comment is sent when nothing else was for a
        while, so that nobody on the way takes the line for dead.
        """
        if len(self._listeners) >= self._limit:
            return
        listener = _Listener(job_id, after)
        self._listeners.add(listener)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="events")
        try:
            yield "retry: 2000\n\n"
            while True:
                events = await listener.take()
                yield "".join(map(_message, events)) or ": nothing new\n\n"
                if any(_ends(event) or event.id == until for event in events):
                    return
        finally:
            self._listeners.discard(listener)

    async def _poll(self) -> None:
        while self._listeners:
            hungry = [listener for listener in self._listeners if not listener.pending]
            try:
                full = await self._feed(hungry) if hungry else False
            except SQLAlchemyError:
                _log.exception("events cannot be read now; trying again")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(0 if full else POLL_SECONDS)

    async def _feed(self, listeners: Sequence[_Listener]) -> bool:
        """Give each listener what is new to it; True if there may be more."""
        cursors: repository.Cursors = {}
        for listener in listeners:
            cursors[listener.job_id] = min(listener.after, cursors.get(listener.job_id, listener.after))
        events = await asyncio.to_thread(self._read, cursors)
        for listener in listeners:
            listener.give(events)
        return len(events) == BATCH

    def _read(self, cursors: repository.Cursors) -> list[tuple[str, EventRead]]:
        with self._database.read() as session:
            rows = repository.events_after(session, cursors, BATCH)
            return [(row.job_id, EventRead.model_validate(row, from_attributes=True)) for row in rows]


def _message(event: EventRead) -> str:
    return f"id: {event.id}\ndata: {event.model_dump_json()}\n\n"


def _ends(event: EventRead) -> bool:
    # A job that failed and was retried goes on.
    return event.type == "state" and event.data.get("state") in TERMINAL and not event.data.get("retried")
