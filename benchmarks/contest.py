"""Contests: programs that do the same work, a round each in turn; so what disturbs one disturbs all.

A contestant warms up, prints ``round WALL PROCESSOR FIGURE``, reads a line, does one round, prints again, and
so on: seconds of wall clock and of processor time of that round, and what its network was worth then (NaN
where that says nothing).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, Self

ROUND = "round"


@dataclass(frozen=True)
class Standing:
    """The rounds of one contestant: seconds, and what its network was worth after each."""

    walls: tuple[float, ...]
    processors: tuple[float, ...]
    figures: tuple[float, ...]

    @property
    def wall(self) -> float:
        """Median of wall clock."""
        return statistics.median(self.walls)

    @property
    def processor(self) -> float:
        """Median of processor time."""
        return statistics.median(self.processors)

    def faster_than(self, other: "Standing") -> float:
        """Return how many times as fast as another's rounds these were: the median over rounds in turn."""
        pairs = zip(self.walls, other.walls, strict=True)
        return statistics.median(theirs / ours for ours, theirs in pairs)


class Contestant:
    """One program in a process of its own."""

    def __init__(self, name: str, command: Sequence[str], log: IO[str]) -> None:
        self.name = name
        self._rounds: list[tuple[float, float, float]] = []
        self._log = log
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.communicate()

    def warm_up(self) -> None:
        self._read()

    def run(self) -> None:
        """Do one round and keep its figures."""
        print(file=self._process.stdin, flush=True)
        self._rounds.append(self._read())

    def standing(self) -> Standing:
        walls, processors, figures = zip(*self._rounds, strict=True)
        return Standing(walls, processors, figures)

    def _read(self) -> tuple[float, float, float]:
        for line in self._process.stdout:
            if line.startswith(ROUND):
                wall, processor, figure = map(float, line.split()[1:])
                return wall, processor, figure
        self._log.seek(0)
        raise SystemExit(
            f"{self.name} ended early, status {self._process.wait()}:\n{self._log.read()[-2000:]}"
        )


class Rounds:
    """The contestant's own side: tells of each round and waits for the next one."""

    def __init__(self) -> None:
        self._started = 0.0, 0.0

    def end(self, figure: float = float("nan")) -> None:
        """End a round, or the warm-up; return when the next one begins."""
        wall, processor = time.perf_counter() - self._started[0], time.process_time() - self._started[1]
        print(ROUND, wall, processor, figure, flush=True)
        if not sys.stdin.readline():
            # Nobody waits for another round.
            raise SystemExit
        self._started = time.perf_counter(), time.process_time()


def compete(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Standing]:
    """Let the programs compete for so many rounds; return how each did."""
    with ExitStack() as stack:
        contestants = [
            stack.enter_context(Contestant(name, command, stack.enter_context(tempfile.TemporaryFile("w+"))))
            for name, command in commands.items()
        ]
        for contestant in contestants:
            contestant.warm_up()
        for _ in range(rounds):
            for contestant in contestants:
                contestant.run()
        return {contestant.name: contestant.standing() for contestant in contestants}
