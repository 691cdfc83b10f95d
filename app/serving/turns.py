"""Questions that came in one turn of the event loop: it answers them itself, those that go together as one.

A small graph takes eight rows in much less than eight times the time of one, most of all where the work for
other requests has pushed its weights out of the processor's cache. Nobody waits for company: whatever is
merged had arrived when the first of it was read.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from app.serving.role import Array, LoadedRole

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Ready(NamedTuple, Generic[Result]):
    """Rows that are ready to be run, so few that it takes no time, and what writes the answer.

    ``inputs`` are ``[rows, ...]`` by name, ``names`` the outputs that are needed, None for all.
    """

    role: LoadedRole
    inputs: Mapping[str, Array]
    names: Sequence[str] | None
    write: Callable[[Mapping[str, Array]], Result]


class _Waiting(NamedTuple, Generic[Result]):
    ready: Ready[Result]
    rows: int
    key: Hashable
    arrived: float
    tell: Callable[[Result | None], None]


class Turns(Generic[Result]):
    """What the event loop is to answer at the end of this turn; for that loop alone."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting[Result]] = deque()

    def add(self, ready: Ready[Result], tell: Callable[[Result | None], None]) -> None:
        """Let a question be answered; ``tell`` gets what is written, or None should anything fail."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._end)
        rows = len(next(iter(ready.inputs.values())))
        shapes = tuple([(name, array.dtype, array.shape[1:]) for name, array in ready.inputs.items()])
        key = (ready.role, ready.names and tuple(ready.names), shapes)
        self._waiting.append(_Waiting(ready, rows, key, time.perf_counter(), tell))

    def end(self) -> None:
        """Answer all of them now."""
        while self._waiting:
            _answer(self._batch())

    def _end(self) -> None:
        if self._waiting:
            _answer(self._batch())
        if self._waiting:
            # What has arrived meanwhile may go with the others.
            asyncio.get_running_loop().call_soon(self._end)

    def _batch(self) -> list[_Waiting[Result]]:
        """Take the first question, and all that go with it until the batch is full."""
        first = self._waiting.popleft()
        batch, room = [first], first.ready.role.batch_rows - first.rows
        for _ in range(len(self._waiting)):
            each = self._waiting.popleft()
            if each.rows <= room and each.key == first.key:
                batch.append(each)
                room -= each.rows
            else:
                self._waiting.append(each)
        return batch


def _answer(batch: Sequence[_Waiting[Result]]) -> None:
    try:
        answers = _answers(batch)
    except Exception:
        # Whatever it was: all are to be told, and those that wait behind them to have their turn.
        answers = [None] * len(batch)
    for each, found in zip(batch, answers, strict=True):
        try:
            each.tell(found)
        except Exception:
            # The others are to be told, too.
            log.exception("an answer did not reach its connection")


def _answers(batch: Sequence[_Waiting[Result]]) -> list[Result | None]:
    """Return the answers to questions that go together; only what comes to one is counted."""
    role, _, names, _ = batch[0].ready
    began = time.perf_counter()
    inputs = _together([each.ready.inputs for each in batch])
    merged = time.perf_counter()
    outputs = role.run(inputs, names)
    ran = time.perf_counter()
    rows, place, leads = sum(each.rows for each in batch), 0, True
    answers: list[Result | None] = []
    for each in batch:
        written = time.perf_counter()
        own = {name: array[place : place + each.rows] for name, array in outputs.items()}
        place += each.rows
        try:
            answers.append(each.ready.write(own))
        except Exception:
            answers.append(None)
            continue
        ended = time.perf_counter()
        spent = (began - each.arrived, merged - began, ran - merged, ended - written)
        role.statistics.note((each.rows, rows, role.batch_rows, leads, *spent, ended))
        leads = False
    return answers


def _together(inputs: Sequence[Mapping[str, Array]]) -> Mapping[str, Array]:
    if len(inputs) == 1:
        return inputs[0]
    return {name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]}
