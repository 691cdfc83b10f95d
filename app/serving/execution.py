"""Where work runs: short work at once on the event loop, the rest on a few threads behind a bounded queue."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

from app.errors import Unavailable
from app.serving.batching import Batching, Left, Limits
from app.serving.chorus import Chorus, Voice
from app.serving.generation import Generation
from app.serving.role import Array, LoadedRole
from app.serving.statistics import Reason
from app.serving.threads import step_back
from app.serving.waiting import Question

Result = TypeVar("Result")

# Handing work to a thread and back costs about as much as it saves others below this.
INLINE_SECONDS = 0.001
WAITING_LIMIT = 256
# So many texts are written at once.
PLACES = 64
RETRY_AFTER_SECONDS = 1
MOST_WORKERS = 8


class Execution:
    """A bounded pool beside the event loop.

    ``workers`` is how many of its threads one role may keep busy: there is one more, for all others.
    """

    def __init__(
        self,
        workers: int | None = None,
        limit: int = WAITING_LIMIT,
        *,
        queue_seconds: float = 5.0,
        request_seconds: float = 30.0,
    ) -> None:
        workers = workers or min(MOST_WORKERS, _cores())
        self._pool = ThreadPoolExecutor(workers + 1, thread_name_prefix="predict", initializer=step_back)
        # Apart from the others: a prediction does not wait for the end of slices.
        self._slices = ThreadPoolExecutor(workers, thread_name_prefix="slice", initializer=step_back)
        self._choruses: WeakKeyDictionary[LoadedRole, Chorus] = WeakKeyDictionary()
        self._batching = Batching(self._pool, Limits(workers, queue_seconds, request_seconds))
        self._limit = limit
        self._admitted = threading.BoundedSemaphore(limit)
        self._places = threading.BoundedSemaphore(PLACES)

    async def ask(
        self,
        role: LoadedRole,
        inputs: Mapping[str, Array],
        names: Sequence[str] | None,
        write: Callable[[Mapping[str, Array]], Result],
        *,
        left: Left | None = None,
        seconds: float | None = None,
        away: bool = False,
    ) -> Result:
        """Return ``write(outputs)`` of a role: at once if that is quick, else from a thread, with others.

        Args:
            role: What is asked.
            inputs: Its inputs by name, ``[rows, ...]``.
            names: The outputs that are needed; None for all.
            write: Makes the answer; it runs where the graph does.
            left: Watches whoever asked, while this waits for a thread; raises when they have left.
            seconds: How long they wait at most; the service may allow less.
            away: Never at once, for ``write`` takes long.

        Raises :class:`~app.errors.TooMany` if too much waits already, :class:`~app.errors.TimedOut` after
        the time that is allowed, and what ``left`` and ``write`` raise.
        """
        if away or not is_quick(role, inputs):
            answer: Result = await self._batching.ask(Question(role, inputs, names, write), left, seconds)
            return answer
        try:
            return at_once(role, inputs, names, write)
        except Exception:
            role.statistics.failed("failed")
            raise

    def require_room(self, role: LoadedRole) -> None:
        """Raise :class:`~app.errors.TooMany` where :meth:`ask` would, unless a role is always quick."""
        if role.row_seconds >= INLINE_SECONDS:
            self._batching.require_room(role)

    async def run(self, function: Callable[[], Result], seconds: float | None = None) -> Result:
        """Return ``function()``: at once if it takes ``seconds`` and those are few, else from a thread.

        Raises :class:`~app.errors.Unavailable` if too much waits already.
        """
        if seconds is not None and seconds < INLINE_SECONDS:
            return function()
        if not self._admitted.acquire(blocking=False):
            raise _overloaded(f"{self._limit} predictions are waiting already")
        future = self._pool.submit(function)
        # Released when it has really ended: whoever waits for it may be gone long before.
        future.add_done_callback(lambda _: self._admitted.release())
        try:
            return await asyncio.wrap_future(future)
        finally:
            # What was raised holds this frame, and the future holds what was raised: a ring, which would
            # keep a refused body in memory until a full garbage collection.
            del future

    @contextlib.contextmanager
    def place(self) -> Iterator["Place"]:
        """Keep a place for work that comes in slices.

        Raises :class:`~app.errors.Unavailable` if all are taken.
        """
        if not self._places.acquire(blocking=False):
            raise _overloaded(f"{PLACES} texts are being written already")
        try:
            yield Place(self._slices, self._choruses)
        finally:
            self._places.release()

    def close(self) -> None:
        """Finish what runs and drop what waits."""
        self._pool.shutdown(cancel_futures=True)
        self._slices.shutdown(cancel_futures=True)
        self._batching.close()
        for chorus in list(self._choruses.values()):
            chorus.close()


def is_quick(role: LoadedRole, inputs: Mapping[str, Array]) -> bool:
    """Tell whether a role answers inputs so fast that it should do so at once."""
    return role.row_seconds * len(next(iter(inputs.values()))) < INLINE_SECONDS


def at_once(
    role: LoadedRole,
    inputs: Mapping[str, Array],
    names: Sequence[str] | None,
    write: Callable[[Mapping[str, Array]], Result],
) -> Result:
    """Return ``write(outputs)`` of a role, here and now; only what comes to an answer is counted."""
    began = time.perf_counter()
    outputs = role.run(inputs, names)
    ran = time.perf_counter()
    answer = write(outputs)
    rows = len(next(iter(inputs.values())))
    ended = time.perf_counter()
    role.statistics.note((rows, rows, role.batch_rows, True, 0.0, 0.0, ran - began, ended - ran, ended))
    return answer


class Place:
    """Where work in slices runs; between two slices others have their turn."""

    def __init__(self, pool: ThreadPoolExecutor, choruses: WeakKeyDictionary[LoadedRole, Chorus]) -> None:
        self._pool = pool
        self._choruses = choruses

    async def run(self, function: Callable[[], Result]) -> Result:
        """Return ``function()``, one slice, from a thread."""
        return await asyncio.wrap_future(self._pool.submit(function))

    async def write(
        self, text: Generation, seconds: float, gone: threading.Event
    ) -> AsyncGenerator[str, None]:
        """Yield what comes to a text every so many ``seconds``, sometimes nothing, until it is over.

        It is written together with others of its role. It also ends when ``gone`` is set, soon after.
        """
        chorus = self._choruses.get(text.role)
        if chorus is None:
            chorus = self._choruses[text.role] = Chorus(self._pool)
        voice, statistics, began = Voice(text, seconds, gone), text.role.statistics, time.perf_counter()
        statistics.pending += 1
        ended: Reason | None = "cancelled"
        try:
            while not voice.ended:
                yield await chorus.listen(voice)
            ended = "cancelled" if gone.is_set() else None
        except Exception:
            ended = "failed"
            raise
        finally:
            statistics.pending -= 1
            if ended is None:
                statistics.wrote(text.completion_tokens, time.perf_counter() - began)
            else:
                statistics.failed(ended)


def _overloaded(reason: str) -> Unavailable:
    return Unavailable(
        f"{reason}, which is the limit; try again later.",
        code="overloaded",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
