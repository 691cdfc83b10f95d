"""What waits for one role, first come first served, and how it is made into batches."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from app.serving.role import Array, LoadedRole
from app.serving.statistics import Reason

Arrays = Mapping[str, Array]
Answer = Callable[[Arrays], Any]

# How much the last batch says of the next one.
FRESHNESS = 0.2
# No more rows are merged than run in this time, so that a batch does not keep its first row for long …
LONGEST_SECONDS = 0.25
# … but so many always: in no other way does a slow graph show what it gains by merging.
FEWEST_ROWS = 4


class Question:
    """Rows that a role is asked for, and what writes an answer of its outputs; made on the event loop.

    Only questions of one ``key`` share a batch. Once one is ``over`` nobody waits for its answer any more.
    ``queued`` is how long it waited and ``spent`` what merging and running took, in seconds.
    """

    def __init__(self, role: LoadedRole, inputs: Arrays, names: Sequence[str] | None, write: Answer) -> None:
        self.role = role
        self.inputs = inputs
        self.names = names
        self.write = write
        self.rows = len(next(iter(inputs.values())))
        shapes = ((name, array.dtype, array.shape[1:]) for name, array in inputs.items())
        self.key = (tuple(names or ()), frozenset(shapes))
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] | None = self.loop.create_future()
        self.over = False
        self.queued = 0.0
        self.spent = (0.0, 0.0)
        self._arrived = time.perf_counter()
        self._given = 0
        self._parts: dict[int, Arrays] = {}
        self._missing = self.rows
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many rows are in no batch yet."""
        return self.rows - self._given

    def give(self, most: int) -> "Piece":
        """Return its next rows, no more than so many."""
        if not self._given:
            self.queued = time.perf_counter() - self._arrived
        piece = Piece(self, self._given, min(self.left, most))
        self._given += piece.rows
        return piece

    def forgo(self) -> int:
        """Ask for no more; return how many rows that leaves out."""
        left, self._given = self.left, self.rows
        return left

    def complete(self, piece: "Piece", outputs: Arrays, spent: tuple[float, float]) -> Arrays | None:
        """Keep the outputs of a piece; return those of all rows if no other piece is missing."""
        with self._lock:
            self.spent = (self.spent[0] + spent[0], self.spent[1] + spent[1])
            self._parts[piece.start] = outputs
            self._missing -= piece.rows
            if self._missing:
                return None
        if len(self._parts) == 1:
            return outputs
        parts = [part for _, part in sorted(self._parts.items())]
        return {name: np.concatenate([part[name] for part in parts]) for name in outputs}

    def succeed(self, answer: Any, seconds: float) -> None:
        """Hand over the answer, which took so long to write; on the event loop, as all that ends it."""
        future = self._end()
        if future is not None:
            self.role.statistics.answered(self.rows, self.queued, (*self.spent, seconds))
            future.set_result(answer)

    def fail(self, error: BaseException, reason: Reason) -> None:
        """Hand over what went wrong instead."""
        future = self._end()
        if future is not None:
            self.role.statistics.failed(reason)
            future.set_exception(error)

    def _end(self) -> "asyncio.Future[Any] | None":
        """Return what is to be told, None if nobody waits for it any more."""
        future = None if self.over else self.future
        self.over = True
        # Whoever was cancelled a moment ago may not have noticed it yet.
        return None if future is None or future.done() else future


class Piece(NamedTuple):
    """Rows of a question that run in one batch: all, unless there are too many."""

    question: Question
    start: int
    rows: int

    def inputs(self, name: str) -> Array:
        """Return its rows of one input."""
        array = self.question.inputs[name]
        return array if self.rows == self.question.rows else array[self.start : self.start + self.rows]


class Queue:
    """The questions that wait for one role; ``pace`` is what a row of theirs takes, in seconds."""

    def __init__(self, pace: float, most_rows: int) -> None:
        self._pace = pace
        self._most_rows = most_rows
        self._waiting: deque[Question] = deque()
        self._rows = 0
        self._workers = 0
        self._lock = threading.Lock()

    def ahead(self) -> float:
        """Return how many seconds of work wait."""
        return self._rows * self._pace

    def add(self, question: Question, most_workers: int) -> bool:
        """Put a question behind the others; return whether one more worker is to begin."""
        with self._lock:
            self._waiting.append(question)
            self._rows += question.rows
            if self._workers >= most_workers:
                return False
            self._workers += 1
            return True

    def forget(self, question: Question) -> None:
        """Wait no more for what is left of a question that is over."""
        with self._lock:
            self._rows -= question.forgo()

    def take(self) -> list[Piece]:
        """Return the next batch: whatever waits and goes with the first one, until it is full.

        What is too large for any batch gives a piece to each, and lets the others have their turn meanwhile.
        """
        pieces: list[Piece] = []
        with self._lock:
            most = room = self._room()
            passed: list[Question] = []
            while self._waiting and room:
                question = self._waiting.popleft()
                if question.over:
                    self._rows -= question.forgo()
                elif pieces and question.key != pieces[0].question.key:
                    passed.append(question)
                elif room < question.left <= most:
                    passed.append(question)
                    break
                else:
                    pieces.append(question.give(room))
                    room -= pieces[-1].rows
                    self._rows -= pieces[-1].rows
            self._waiting.extendleft(reversed(passed))
            self._waiting.extend(piece.question for piece in pieces if piece.question.left)
        return pieces

    def ran(self, rows: int, seconds: float) -> bool:
        """Take note of a batch that ran, of no rows if there was none; return whether its worker goes on."""
        with self._lock:
            if rows:
                self._pace += FRESHNESS * (seconds / rows - self._pace)
            if not self._waiting:
                self._workers -= 1
            return bool(self._waiting)

    def clear(self) -> list[Question]:
        """Return all that waits; nothing does after that."""
        with self._lock:
            found = list(self._waiting)
            self._waiting.clear()
            self._rows -= sum(question.forgo() for question in found)
        return found

    def _room(self) -> int:
        affordable = int(LONGEST_SECONDS / self._pace) if self._pace > 0 else self._most_rows
        return min(self._most_rows, max(FEWEST_ROWS, affordable))
