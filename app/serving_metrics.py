"""What versions were asked, and what became of it, as Prometheus is told."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.exposition import number
from app.metric_aliases import ANSWERED, PREFIX
from app.serving.statistics import Histogram, VersionStatistics

_LABELS = ("model", "version")

_COUNTERS: Mapping[str, tuple[str, Callable[[VersionStatistics], int]]] = {
    "rows": ("Rows of the requests that were answered.", lambda told: told.rows),
    "executions": ("Runs of a graph, each on a batch.", lambda told: told.executions),
    "texts": ("Texts that were written.", lambda told: told.texts),
    "tokens": ("Tokens that were written.", lambda told: told.tokens),
    "nonfinite": (
        "Answers in JSON with NaN or infinity, which strict readers refuse.",
        lambda told: told.nonfinite,
    ),
}
_HISTOGRAMS: Mapping[str, tuple[str, Callable[[VersionStatistics], Histogram]]] = {
    "seconds": (
        "Time of an answered request in the engine: queue, input, compute and output.",
        lambda told: told.request,
    ),
    "queue_seconds": ("Time that a request waited.", lambda told: told.queue),
    "input_seconds": ("Time to put a request's rows into a batch.", lambda told: told.input),
    "compute_seconds": ("Time that the graph ran for a request.", lambda told: told.compute),
    "output_seconds": ("Time to take a request's answer out of the batch.", lambda told: told.output),
    "batch_rows": ("Rows of a batch that the graph ran on.", lambda told: told.batch_rows),
}


class ServingCollector(Collector):
    """Collects the statistics of all versions; those of two owners that are called the same are summed."""

    def __init__(self, statistics: Iterable[VersionStatistics]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each thing that is counted."""
        versions = [((told.model, str(told.number)), told) for told in self._statistics]
        requests = CounterMetricFamily(
            f"{PREFIX}_requests",
            "Requests to a version, by what became of them.",
            labels=(*_LABELS, "outcome"),
        )
        pending = GaugeMetricFamily(
            f"{PREFIX}_pending", "Requests that wait or run, away from the event loop.", labels=_LABELS
        )
        for labels, told in versions:
            for outcome, count in ((ANSWERED, told.succeeded), *told.failures.items()):
                requests.add_metric((*labels, outcome), count)
            pending.add_metric(labels, told.pending)
        yield requests
        yield pending
        for name, (documentation, count_of) in _COUNTERS.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", documentation, labels=_LABELS)
            for labels, told in versions:
                counter.add_metric(labels, count_of(told))
            yield counter
        for name, (documentation, histogram_of) in _HISTOGRAMS.items():
            family = HistogramMetricFamily(f"{PREFIX}_{name}", documentation, labels=_LABELS)
            for labels, told in versions:
                found = histogram_of(told)
                buckets = [(number(bound), count) for bound, count in found.cumulative()]
                family.add_metric(labels, buckets, found.sum)
            yield family
