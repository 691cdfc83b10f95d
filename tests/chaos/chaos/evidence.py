"""Evidence: all that is left of a run, gathered when it is over — history, rows, files."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos import history
from chaos.fold import Work
from sqlalchemy import select

from app.database import Database
from app.storage import OBJECTS, Store, StoreError
from app.tables import Event, IdempotencyKey, Job, MetricPoint, ModelVersion

POISON = "poison"


@dataclass
class Evidence:
    """What a checker decides from; ``homes`` are the data folders of all hosts."""

    entries: list[dict[str, Any]]
    jobs: dict[str, Job]
    events: dict[str, list[Event]]
    points: dict[str, list[MetricPoint]]
    versions: list[ModelVersion]
    keys: dict[str, IdempotencyKey]
    homes: Sequence[Path]
    is_scripted: bool = True
    """Whether jobs were folds, whose end is known."""
    skew: float = 0.0
    """By how many seconds the clocks of workers may be off."""
    shared: Store | None = None
    """The store of all hosts, seen from none of them; None where each keeps files in its folder."""
    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    """The jobs that were promised, by the key of the request."""

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry["op"] == "answer" and entry["status"] == 202:
                self.acknowledged.setdefault(entry["key"], set()).add(entry["job"])

    def copies(self, digest: str) -> list[Path]:
        """Return where the file of a digest is kept: on hosts, or a copy of what they share."""
        if self.shared is not None:
            with suppress(StoreError):
                return [self.shared.fetch(digest)]
            return []
        places = [home / OBJECTS / digest[:2] / digest for home in self.homes]
        return [place for place in places if place.is_file()]

    @property
    def trainings(self) -> Iterable[Job]:
        """The jobs that train."""
        return [job for job in self.jobs.values() if job.kind == "training"]

    def said(self, operation: str) -> list[dict[str, Any]]:
        """Return the entries of one operation."""
        return [entry for entry in self.entries if entry["op"] == operation]

    def of(self, job: Job, kind: str) -> list[Event]:
        """Return what a job reported of one type, in order."""
        return [event for event in self.events[job.id] if event.type == kind]

    def published(self) -> dict[str, list[ModelVersion]]:
        """Return the versions of each job."""
        found = defaultdict(list)
        for version in self.versions:
            found[version.job_id].append(version)
        return found

    def is_poison(self, job: Job) -> bool:
        """Tell whether a job ends its workers, and so is to fail."""
        return (job.model or "").startswith(POISON)

    def work(self, job: Job) -> Work:
        """Return what a scripted job is to compute."""
        assert job.resolved is not None
        return Work(job.resolved["training"]["seed"], job.resolved["training"]["epochs"])


def gather(
    database_url: str, history_file: Path, homes: Sequence[Path], *, is_scripted: bool = True
) -> Evidence:
    """Read all that is left."""
    database = Database(database_url)
    events, points = defaultdict(list), defaultdict(list)
    try:
        with database.read() as session:
            jobs = {job.id: job for job in session.scalars(select(Job).order_by(Job.id))}
            versions = list(session.scalars(select(ModelVersion).order_by(ModelVersion.created_at)))
            keys = {row.key: row for row in session.scalars(select(IdempotencyKey))}
            for event in session.scalars(select(Event).order_by(Event.id)):
                events[event.job_id].append(event)
            for point in session.scalars(select(MetricPoint).order_by(MetricPoint.step)):
                points[point.job_id].append(point)
    finally:
        database.close()
    entries = history.read(history_file)
    return Evidence(entries, jobs, events, points, versions, keys, homes, is_scripted)
