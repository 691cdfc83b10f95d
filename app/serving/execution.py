"""Where work runs: short work at once on the event loop, the rest on a few threads behind a bounded queue."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.errors import Unavailable

Result = TypeVar("Result")

# Handing work to a thread and back costs about as much as it saves others below this.
INLINE_SECONDS = 0.001
WAITING_LIMIT = 256
# So many texts are written at once.
PLACES = 64
RETRY_AFTER_SECONDS = 1


class Execution:
    """A bounded pool beside the event loop."""

    def __init__(self, threads: int | None = None, limit: int = WAITING_LIMIT) -> None:
        threads = threads or min(4, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")
        # Apart from the others: a prediction does not wait for the end of slices.
        self._slices = ThreadPoolExecutor(threads, thread_name_prefix="slice")
        self._limit = limit
        self._admitted = threading.BoundedSemaphore(limit)
        self._places = threading.BoundedSemaphore(PLACES)

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
            yield Place(self._slices)
        finally:
            self._places.release()

    def close(self) -> None:
        """Finish what runs and drop what waits."""
        self._pool.shutdown(cancel_futures=True)
        self._slices.shutdown(cancel_futures=True)


class Place:
    """Where work in slices runs; between two slices others have their turn."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    async def run(self, function: Callable[[], Result]) -> Result:
        """Return ``function()``, one slice, from a thread."""
        return await asyncio.wrap_future(self._pool.submit(function))


def _overloaded(reason: str) -> Unavailable:
    return Unavailable(
        f"{reason}, which is the limit; try again later.",
        code="overloaded",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
