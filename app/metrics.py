"""What Prometheus is told: requests, latencies, jobs, the processes."""

import logging
from collections.abc import Iterator
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.exposition import Families, add, written
from app.jobs.states import ACTIVE, TERMINAL
from app.metric_aliases import aliases
from app.settings import Settings
from app.siblings import Siblings
from app.tables.job import Job

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

log = logging.getLogger(__name__)

# Nobody asks when a counter was made, and it would double the number of series.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The measurements of one web process; other parts register collectors of their own in ``registry``.

    Where it is one of several, what is told is the sum of all; what is true of a process alone, such as its
    memory, is told of each.
    """

    def __init__(self, database: Database, settings: Settings | None = None) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        # There are few, and finding them costs more than counting.
        self._series = cache(self._find_series)
        self._jobs = _JobCounts(database)
        self._process = ProcessCollector(registry=None)
        self._labels: dict[str, str] = {}
        self._siblings: Siblings | None = None
        if settings is not None and settings.web_process:
            self._labels["process"] = str(settings.web_process)
            self._siblings = Siblings(settings.metrics_dir, settings.web_process, self._measured)
        self._requests = Counter(
            "keraforge_http_requests",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "keraforge_http_request_seconds",
            "Time from a request's arrival to the end of its answer.",
            ("route", "method"),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` is ``METHOD /template``, empty if there is none."""
        counter, histogram = self._series(route, method if method in _METHODS else "other", status)
        counter.inc()
        histogram.observe(seconds)

    def _find_series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        template = route.partition(" ")[2] or "none"
        return self._requests.labels(template, method, str(status)), self._seconds.labels(template, method)

    def start(self) -> None:
        """Begin to share with the other web processes, if there are any."""
        if self._siblings is not None:
            self._siblings.start()

    def close(self) -> None:
        """End that."""
        if self._siblings is not None:
            self._siblings.close()

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format; asks the database for the jobs."""
        families = self._measured() if self._siblings is None else self._siblings.together()
        families |= aliases(families)
        add(families, self._jobs.collect())
        return written(families)

    def _measured(self) -> Families:
        families: Families = {}
        add(families, self.registry.collect())
        add(families, self._process.collect(), **self._labels)
        return families


class _JobCounts(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            with self._database.read() as session:
                query = select(Job.state, func.count()).where(Job.deleted_at.is_(None)).group_by(Job.state)
                counts = dict(session.execute(query).all())
        except SQLAlchemyError as error:
            log.warning("the metrics lack the jobs, the database cannot be read: %s", type(error).__name__)
            return
        family = _job_family()
        for state in sorted(ACTIVE | TERMINAL):
            family.add_metric((state,), counts.get(state, 0))
        yield family


def _job_family() -> GaugeMetricFamily:
    return GaugeMetricFamily("keraforge_jobs", "Jobs by state.", labels=("state",))
