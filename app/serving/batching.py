"""Greedy batches: who comes while nothing runs is answered at once, all who come meanwhile together."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from app.errors import TimedOut, TooMany
from app.serving.merged import Ran, run
from app.serving.role import LoadedRole
from app.serving.statistics import VersionStatistics
from app.serving.waiting import Question, Queue

Left = Callable[[], Coroutine[Any, Any, None]]
"""Watches whoever asked: it raises when nobody is there any more, and returns never."""


class Limits(NamedTuple):
    """How many threads one role may keep busy, and seconds: of work before a question, until its answer."""

    workers: int
    queue_seconds: float
    request_seconds: float


class Batching:
    """Asks roles, on the threads of a pool, which has more of them than one role may keep busy.

    A thread runs one batch of a role and then goes to the end of the pool's line, behind the work of others.
    """

    def __init__(self, pool: ThreadPoolExecutor, limits: Limits) -> None:
        self._pool = pool
        self._limits = limits
        # A queue knows its role only while something waits in it.
        self._queues: WeakKeyDictionary[LoadedRole, Queue] = WeakKeyDictionary()

    async def ask(self, question: Question, left: Left | None = None, seconds: float | None = None) -> Any:
        """Return what a question's ``write`` returns; raise what that, or the graph, raises.

        Raises :class:`~app.errors.TooMany` if too much work waits already, :class:`~app.errors.TimedOut`
        after ``seconds`` or what the service allows, if that is less, and what ``left`` raises.
        """
        self.require_room(question.role)
        statistics, queue = question.role.statistics, self._queue(question.role)
        limit = min(self._limits.request_seconds, seconds or math.inf)
        expiry = question.loop.call_later(limit, _expire, question, limit)
        watching = asyncio.create_task(left()) if left is not None else None
        if watching is not None:
            watching.add_done_callback(partial(_abandon, question))
        statistics.pending += 1
        try:
            if queue.add(question, self._limits.workers):
                self._pool.submit(self._turn, queue)
            assert question.future is not None, "a question is asked once"
            return await question.future
        except asyncio.CancelledError:
            question.over = True
            statistics.failed("cancelled")
            raise
        finally:
            statistics.pending -= 1
            queue.forget(question)
            expiry.cancel()
            if watching is not None:
                watching.cancel()
            # What was raised holds this frame, and the future holds what was raised: a ring, which would
            # keep a refused body in memory until a full garbage collection.
            question.future = None

    def require_room(self, role: LoadedRole) -> None:
        """Raise :class:`~app.errors.TooMany` if too much work waits for a role already."""
        ahead = self._queue(role).ahead() / self._limits.workers
        if ahead > self._limits.queue_seconds:
            role.statistics.failed("rejected")
            raise _too_many(ahead, self._limits.queue_seconds)

    def close(self) -> None:
        """Let nobody wait any more; the pool has been shut down."""
        for queue in list(self._queues.values()):
            for question in queue.clear():
                # The loop may have ended before.
                with contextlib.suppress(RuntimeError):
                    question.loop.call_soon_threadsafe(_drop, question)

    def _queue(self, role: LoadedRole) -> Queue:
        queue = self._queues.get(role)
        if queue is None:
            queue = self._queues[role] = Queue(role.row_seconds, role.batch_rows)
        return queue

    def _turn(self, queue: Queue) -> None:
        began = time.perf_counter()
        rows = _answer_some(queue)
        if queue.ran(rows, time.perf_counter() - began):
            # Not if it was shut down meanwhile.
            with contextlib.suppress(RuntimeError):
                self._pool.submit(self._turn, queue)


def _answer_some(queue: Queue) -> int:
    """Answer one batch of what waits; return how many rows it had."""
    pieces = queue.take()
    if not pieces:
        return 0
    first = pieces[0].question
    first.loop.call_soon_threadsafe(_deliver, first.role.statistics, run(pieces))
    return sum(piece.rows for piece in pieces)


def _deliver(statistics: VersionStatistics, ran: Ran) -> None:
    for rows, spent in ran.executions:
        statistics.executed(rows, spent)
    while ran.outcomes:
        _end(*ran.outcomes.pop(0))


def _end(question: Question, answer: Any, error: Exception | None, seconds: float) -> None:
    if error is None:
        question.succeed(answer, seconds)
    else:
        question.fail(error, "failed")


def _expire(question: Question, limit: float) -> None:
    message = (
        f"There was no answer within {limit:g} s, which is the limit. Send fewer rows, or try again later."
    )
    question.fail(TimedOut(message, extra={"limit": limit}), "expired")


def _abandon(question: Question, watching: "asyncio.Task[None]") -> None:
    error = None if watching.cancelled() else watching.exception()
    if error is not None:
        question.fail(error, "cancelled")


def _drop(question: Question) -> None:
    if question.future is not None:
        question.future.cancel()


def _too_many(ahead: float, limit: float) -> TooMany:
    return TooMany(
        f"About {ahead:.2g} s of work wait for this version, and {limit:g} s is the limit. Try again later.",
        code="queue_full",
        headers={"Retry-After": str(math.ceil(ahead))},
        extra={"limit": limit},
    )
