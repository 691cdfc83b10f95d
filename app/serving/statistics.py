"""What became of the questions that versions were asked: counts, durations, sizes of batches.

``engine.statistics`` is the :class:`Statistics` of a web process. ``of(version)`` returns the
:class:`VersionStatistics` of a loaded version; iterating yields those of all versions that were loaded since
the process began, in memory or not, until they are deleted. What they return is as of that moment: who wants
newer figures asks again. All durations are in seconds.

Of a question: it waits in a ``queue``, its rows are put into a batch (``input``), the graph runs
(``compute``), its answer is taken out of the batch and written (``output``); ``request`` is all that, from
its arrival at the engine. Several questions may share one run of a graph, an ``execution``; each then counts
all of its ``compute``. What fails is only counted in ``failures``, by its :data:`Reason`.
"""

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Reason = Literal["failed", "rejected", "expired", "cancelled"]
"""Why a question was not answered: its run or its answer failed, the queue was full, its time was over, or
its asker had left."""
REASONS: tuple[Reason, ...] = ("failed", "rejected", "expired", "cancelled")

# Upper bounds of buckets, in seconds: a fast network takes 50 µs, a request may take half a minute.
SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
ROWS = (1, 2, 4, 8, 16, 32)
# So many quick answers are noted before they are counted, all at once.
NOTED = 1024


class Histogram:
    """Counts by size: ``counts`` has one for each of ``bounds``, up to and with it, and one for the rest."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Count a value, so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def add_all(self, values: npt.NDArray[np.float64]) -> None:
        """Count many values."""
        found = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.counts = [count + more for count, more in zip(self.counts, found.tolist(), strict=True)]
        self.sum += float(values.sum())

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return each bound and how many were not above it, the last bound infinite: as Prometheus asks."""
        sums, found = 0, []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            sums += count
            found.append((bound, sums))
        return found


class Executions:
    """The runs of a graph on batches of one size: how many, and the sums of what they took."""

    __slots__ = ("compute", "count", "input", "output")

    def __init__(self) -> None:
        self.count = 0
        self.input = self.compute = self.output = 0.0


Noted = tuple[int, int, int, bool, float, float, float, float, float]
"""A question that was answered at once: rows, batch, most, leads, queue, input, compute, output, ended.

Of its ``batch``, the rows that ran together with its own, one question ``leads``: that run is counted with
it. The graph takes ``most`` rows at once. It ``ended`` by :func:`time.perf_counter`. As a class of its own it
would cost the hot path a twentieth more.
"""


class VersionStatistics:
    """The questions of one version.

    ``owner``, ``model`` and ``number`` name it. ``succeeded`` counts answered questions, ``rows`` their rows,
    ``failures`` what was not answered, ``pending`` those that wait or run now, away from the event loop.
    ``batches`` has the :class:`Executions` of each size of batch, in rows. ``texts`` and ``tokens`` count
    what was written; those questions count with all others too. ``nonfinite`` counts answers in
    JSON with numbers that JSON lacks. ``last_at`` is the Unix time of the last answer.
    """

    def __init__(self, owner: str | None = None, model: str = "", number: int = 0) -> None:
        self.owner = owner
        self.model = model
        self.number = number
        self.succeeded = self.rows = self.pending = self.texts = self.tokens = self.nonfinite = 0
        self.failures: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self.queue, self.input, self.compute, self.output, self.request = (Histogram() for _ in range(5))
        self.batches: dict[int, Executions] = {}
        self.last_at = 0.0
        self._noted: deque[Noted] = deque()
        self._lock = threading.RLock()

    @property
    def executions(self) -> int:
        """How often a graph ran."""
        return sum(batch.count for batch in list(self.batches.values()))

    @property
    def batch_rows(self) -> Histogram:
        """How many rows each execution had."""
        found = Histogram(ROWS)
        for rows, batch in list(self.batches.items()):
            found.add(rows, batch.count)
        return found

    def note(self, noted: Noted) -> None:
        """Take note of a question; this is the hot path: counting is left to :meth:`settle`."""
        self._noted.append(noted)
        if len(self._noted) >= NOTED:
            self.settle()

    def settle(self) -> None:
        """Count what was noted."""
        with self._lock:
            noted = [self._noted.popleft() for _ in range(len(self._noted))]
            if not noted:
                return
            table = np.array(noted)
            rows, together, most, leads, queue, before, compute, output, ended = table.T
            self.succeeded += len(noted)
            self.rows += int(rows.sum())
            for histogram, values in (
                (self.queue, queue),
                (self.input, before),
                (self.compute, compute),
                (self.output, output),
                (self.request, queue + before + compute + output),
            ):
                histogram.add_all(values)
            # Full batches, and a last one that is not.
            whole, rest = np.divmod(together, most)
            for sizes, times in ((most, whole), (rest, np.sign(rest))):
                for size in np.unique(sizes[times > 0]).tolist():
                    these = (sizes == size) & (times > 0)
                    share = size * times[these] / together[these]
                    led = leads[these] * share
                    spent = (before[these] @ led, compute[these] @ led, output[these] @ share)
                    self.executed(int(size), spent, int(times[these] @ leads[these]))
            self.last_at = time.time() - time.perf_counter() + ended[-1]

    def executed(self, rows: int, seconds: tuple[float, float, float], times: int = 1) -> None:
        """Count runs of a graph on so many rows each, and what input, compute and output took in all."""
        with self._lock:
            batch = self.batches.get(rows)
            if batch is None:
                batch = self.batches[rows] = Executions()
            batch.count += times
            batch.input += seconds[0]
            batch.compute += seconds[1]
            batch.output += seconds[2]

    def answered(self, rows: int, queue: float, seconds: tuple[float, float, float]) -> None:
        """Count a question that was answered, and what its queue, and input, compute and output took."""
        before, compute, output = seconds
        with self._lock:
            self.succeeded += 1
            self.rows += rows
            self.queue.add(queue)
            self.input.add(before)
            self.compute.add(compute)
            self.output.add(output)
            self.request.add(queue + before + compute + output)
            self.last_at = time.time()

    def failed(self, reason: Reason) -> None:
        """Count a question that was not answered."""
        with self._lock:
            self.failures[reason] += 1

    def odd(self) -> None:
        """Count an answer in JSON with numbers that JSON lacks: NaN, or infinity."""
        with self._lock:
            self.nonfinite += 1

    def wrote(self, tokens: int, seconds: float) -> None:
        """Count a text that was written."""
        self.texts += 1
        self.tokens += tokens
        self.answered(1, 0.0, (0.0, seconds, 0.0))


class Known(Protocol):
    """What a version is known by: a row of the registry or a loaded version."""

    @property
    def id(self) -> str:
        """The identifier of the version."""


class Statistics:
    """The statistics of all versions."""

    def __init__(self) -> None:
        self._versions: dict[str, VersionStatistics] = {}

    def of(self, version: Known) -> VersionStatistics:
        """Return the statistics of a version that was loaded; raise :class:`KeyError` for any other."""
        found = self._versions[version.id]
        found.settle()
        return found

    def __iter__(self) -> Iterator[VersionStatistics]:
        """Yield the statistics of all versions by owner, model and number."""
        for found in sorted(self._versions.values(), key=_name):
            found.settle()
            yield found

    def begin(self, version: Known, owner: str | None, model: str, number: int) -> VersionStatistics:
        """Return the statistics of a version that is being loaded; they go on where they were."""
        return self._versions.setdefault(version.id, VersionStatistics(owner, model, number))

    def keep(self, known: Iterable[str]) -> None:
        """Forget the versions that are not known any more."""
        for version_id in self._versions.keys() - set(known):
            del self._versions[version_id]


def _name(version: VersionStatistics) -> tuple[str, str, int]:
    return version.owner or "", version.model, version.number
