"""A process that ends in the midst of publishing, and a cancel that comes there."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import claim
from app.settings import Settings
from app.storage import Store, Stored, file_digest
from app.tables import Alias, Job, ModelVersion
from workers.conclusion import Conclusion
from workers.journal import Journal, Lease
from workers.protocol import TrainingOrder
from workers.reconciler import left_by, settle
from workers.supervisor import Ending
from workers.workshop import Workshop

PUBLISHER = Path(__file__).parent / "programs" / "dying_publisher.py"
TENSORS = [
    {"name": "image", "dtype": "float32", "shape": [8, 8, 1]},
    {"name": "probabilities", "dtype": "float32", "shape": [2]},
]
ROLE = {"graph": "predict.onnx", "inputs": TENSORS[:1], "outputs": TENSORS[1:]}
RESULT = {
    "files": {"network.keras": "application/zip", "predict.onnx": "application/octet-stream"},
    "metrics": {"accuracy": 0.9},
    "parameters": 42,
    "signature": {"roles": {"predict": ROLE}, "labels": ["a", "b"]},
    "best": None,
    "stop_reason": "completed",
    "parity": {"passed": True},
}

HELD = Lease()


@pytest.fixture
def store(settings: Settings) -> Store:
    store = Store(settings.data_dir)
    store.prepare()
    return store


@pytest.fixture
def output(settings: Settings) -> Path:
    """What a trainer leaves."""
    output = settings.data_dir / "orders" / "job.1" / "output"
    output.mkdir(parents=True)
    for name in RESULT["files"]:
        (output / name).write_text(name)
    return output


@pytest.fixture
def training(rows: Any, database: Database) -> str:
    """A training job that runs."""
    job_id: str = rows.training()
    with database.write() as session:
        claim(session, "training", "me")
    return job_id


def conclude(
    settings: Settings, database: Database, store: Store, job_id: str, output: Path, lease: Lease = HELD
) -> None:
    workshop = Workshop(settings, database, store, draining=lambda: False)
    order = TrainingOrder.model_construct(kind="training", job=job_id, attempt=1)
    Conclusion(workshop, order, Journal(database, job_id, 1, lease)).write(
        Ending(result=RESULT), output, None
    )


def versions(database: Database) -> list[ModelVersion]:
    with database.read() as session:
        return list(session.scalars(select(ModelVersion)))


@pytest.mark.parametrize(
    ("step", "is_published"),
    [("first file", False), ("last file", False), ("transaction", False), ("commit", False), ("end", True)],
)
def test_a_process_that_ends_while_it_publishes_leaves_a_whole_version_or_none(
    rows: Any,
    settings: Settings,
    database: Database,
    store: Store,
    output: Path,
    training: str,
    step: str,
    is_published: bool,
) -> None:
    environment = os.environ | {
        "KERAFORGE_DATA_DIR": str(settings.data_dir),
        "KERAFORGE_DATABASE_URL": settings.resolved_database_url,
    }
    command = [sys.executable, "-P", PUBLISHER, step, training, output, json.dumps(RESULT)]
    assert subprocess.run(command, env=environment, cwd="/", check=False).returncode == -signal.SIGKILL
    settle(database, left_by("me"), 0)
    job = rows.job(training)
    if not is_published:
        assert (job.state, job.error["code"], versions(database)) == ("failed", "worker_lost", [])
        with database.read() as session:
            assert session.scalars(select(Alias)).all() == []
    else:
        [version] = versions(database)
        assert (job.state, job.model_version_id) == ("succeeded", version.id)
        assert version.files.keys() == RESULT["files"].keys()
        for file in version.files.values():
            assert file_digest(store.path(file["sha256"])) == file["sha256"]
    for path in store.objects.glob("*/*"):
        assert file_digest(path) == path.name


class SlowStore(Store):
    """Takes a file only when ``may_go_on()``, and counts what it took."""

    may_go_on: Callable[[], bool] = staticmethod(lambda: True)

    def adopt(self, source: Path, digest: str | None = None) -> Stored:
        deadline = time.monotonic() + 60
        while not self.may_go_on():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
        return super().adopt(source, digest)


def test_a_lease_is_renewed_while_files_are_published(
    rows: Any, settings: Settings, database: Database, store: Store, output: Path, training: str
) -> None:
    first = rows.job(training).lease_until
    slow = SlowStore(store.root)
    slow.may_go_on = lambda: rows.job(training).lease_until > first + 1  # type: ignore[method-assign]
    conclude(settings, database, slow, training, output, Lease(30.0, 0.1))
    assert (rows.job(training).state, len(versions(database))) == ("succeeded", 1)


def test_a_lease_is_renewed_in_time_by_many_short_works_too(
    rows: Any, database: Database, training: str
) -> None:
    first, deadline = rows.job(training).lease_until, time.monotonic() + 20
    journal = Journal(database, training, 1, Lease(30.0, 0.5))
    while rows.job(training).lease_until == first:
        assert time.monotonic() < deadline, "it was not renewed"
        with journal.renewing():
            time.sleep(0.05)


def test_a_job_that_another_worker_took_meanwhile_is_not_published(
    rows: Any, settings: Settings, database: Database, store: Store, output: Path, training: str
) -> None:
    def taken() -> bool:
        with database.write() as session:
            session.execute(update(Job).values(attempt=2, worker="another", lease_until=10.0**12))
        return True

    slow = SlowStore(store.root)
    slow.may_go_on = taken  # type: ignore[method-assign]
    conclude(settings, database, slow, training, output, Lease(30.0, 0.02))
    job = rows.job(training)
    assert (job.state, job.attempt, job.lease_until, versions(database)) == ("running", 2, 10.0**12, [])


def test_a_job_that_is_cancelled_while_it_publishes_leaves_no_version(
    rows: Any, bench: Any, settings: Settings, database: Database, store: Store, output: Path, training: str
) -> None:
    bench.move(training, "cancelling")
    conclude(settings, database, store, training, output)
    assert (rows.job(training).state, versions(database)) == ("cancelled", [])
