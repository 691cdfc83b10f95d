"""One batch of questions: merged, run, taken apart again, each answer written."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from app.serving.role import Array
from app.serving.waiting import Arrays, Piece, Question

Result = TypeVar("Result")
Seconds = tuple[float, float, float]


class Outcome(NamedTuple):
    """What became of a question: an answer, which took some seconds to write, or an error."""

    question: Question
    answer: Any
    error: Exception | None
    seconds: float = 0.0


@dataclass
class Ran:
    """What came of a batch: of each run of the graph the rows and seconds, and what questions it ended."""

    executions: list[tuple[int, Seconds]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def run(pieces: Sequence[Piece]) -> Ran:
    """Run pieces that go together as one; should that fail, one by one, so that only the guilty one does.

    What is raised holds the frames here, and these hold what is returned: whoever takes the outcomes must
    clear them, or they stay in memory until a full garbage collection.
    """
    ran = Ran()
    try:
        _run(pieces, ran)
    except Exception as error:
        # Not of the graph, nor of what writes an answer: such as no memory to put pieces together. Those that
        # have their answer keep it.
        ran.outcomes += [Outcome(piece.question, None, error) for piece in pieces]
    return ran


def _run(pieces: Sequence[Piece], ran: Ran) -> None:
    first = pieces[0].question
    began = time.perf_counter()
    inputs = {name: _together([piece.inputs(name) for piece in pieces]) for name in first.inputs}
    merged = time.perf_counter()
    outputs, error = _attempt(partial(first.role.run, inputs, first.names))
    ended = time.perf_counter()
    try:
        if outputs is not None:
            _take_apart(pieces, outputs, (merged - began, ended - merged), ran)
        elif len(pieces) == 1:
            ran.outcomes.append(Outcome(first, None, error))
        else:
            for piece in pieces:
                _run([piece], ran)
    finally:
        del error


def _take_apart(pieces: Sequence[Piece], outputs: Arrays, spent: tuple[float, float], ran: Ran) -> None:
    began, place = time.perf_counter(), 0
    for piece in pieces:
        started = time.perf_counter()
        own = {name: array[place : place + piece.rows] for name, array in outputs.items()}
        place += piece.rows
        whole = piece.question.complete(piece, own, spent)
        if whole is not None:
            attempt = partial(piece.question.write, whole)
            ran.outcomes.append(Outcome(piece.question, *_attempt(attempt), time.perf_counter() - started))
    ran.executions.append((place, (*spent, time.perf_counter() - began)))


def _attempt(function: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """Return what a function returns, or raises."""
    try:
        return function(), None
    except Exception as error:
        return None, error


def _together(arrays: Sequence[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
