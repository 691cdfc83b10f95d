from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.leasing import expired
from app.settings import Settings
from app.tables import DatasetVersion, Job
from workers.identity import AnotherWorker, Identity
from workers.reconciler import Reconciler, left_by, settle, sweep_checkpoints
from workers.worker import Worker


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def put(database: Database, job_id: str, state: str, **columns: Any) -> str:
    with database.write() as session:
        values = {"worker": "me", "attempt": 1} | columns
        session.execute(update(Job).where(Job.id == job_id).values(state=state, **values))
    return job_id


def run_out(database: Database) -> None:
    with database.write() as session:
        session.execute(update(Job).values(lease_until=0.0))


def test_what_has_lost_its_lease_is_begun_again(rows: Any, database: Database) -> None:
    lost, held = rows.training(), rows.training()
    with database.write() as session:
        assert [claim(session, "training", name).id for name in ("gone", "there")] == [lost, held]
        session.execute(update(Job).where(Job.id == lost).values(lease_until=0.0))
    settle(database, expired, 3)
    assert (rows.job(lost).state, rows.job(lost).worker, rows.job(lost).restarts) == ("queued", None, 1)
    assert (rows.job(held).state, rows.job(held).restarts) == ("running", 0)


def test_a_job_that_was_lost_too_often_has_failed_and_may_be_retried(rows: Any, database: Database) -> None:
    job_id = put(database, rows.training(), "running", restarts=3)
    settle(database, expired, 3)
    job = rows.job(job_id)
    assert (job.state, job.error["code"], job.error["retryable"]) == ("failed", "worker_lost", True)
    assert job.error["hint"]


@pytest.mark.parametrize(("state", "end"), [("cancelling", "cancelled"), ("pausing", "paused")])
def test_a_job_that_was_lost_while_it_left_is_where_it_was_told_to_be(
    rows: Any, database: Database, state: str, end: str
) -> None:
    training, reading = put(database, rows.training(), state), put(database, rows.reading(), state)
    settle(database, expired, 3)
    assert (rows.job(training).state, rows.job(reading).state) == (end, end)
    version = rows.get(DatasetVersion, rows.job(reading).dataset_version_id)
    assert version.state == ("invalid" if end == "cancelled" else "reading")


def test_two_reconcilers_settle_what_was_lost_once(
    rows: Any, database: Database, database_url: str, settings: Settings
) -> None:
    jobs = [rows.training() for _ in range(5)]
    for job_id in jobs:
        put(database, job_id, "running")
    with closing(Database(database_url)) as other:
        both = [Reconciler(each, settings, lambda _: None) for each in (database, other)]
        for reconciler in both * 2:
            reconciler.reconcile()
    assert [(rows.job(job_id).state, rows.job(job_id).restarts) for job_id in jobs] == [("queued", 1)] * 5
    assert [len(rows.events(job_id, "state")) for job_id in jobs] == [2] * 5


def test_a_worker_that_starts_settles_what_its_earlier_life_left_and_nothing_else(
    rows: Any, database: Database
) -> None:
    mine, other = rows.training(), rows.training()
    with database.write() as session:
        claim(session, "training", "me")
        claim(session, "training", "somebody else")
    settle(database, left_by("me"), 3)
    assert (rows.job(mine).state, rows.job(other).state) == ("queued", "running")
    settle(database, left_by(None), 3)
    assert rows.job(other).state == "queued"


@pytest.mark.parametrize("state", ["queued", "paused", "succeeded", "failed", "cancelled"])
def test_jobs_that_no_worker_holds_are_left_alone(rows: Any, database: Database, state: str) -> None:
    job_id = put(database, rows.training(), state)
    settle(database, left_by("me"), 3)
    settle(database, expired, 3)
    assert (rows.job(job_id).state, rows.job(job_id).error) == (state, None)


def test_a_worker_whose_name_was_deleted_settles_what_it_left(
    sqlite_url: str, tmp_path: Path, rows_in: Any
) -> None:
    with closing(Database(sqlite_url)) as database:
        rows = rows_in(database)
        job_id = put(database, rows.training(), "running", worker="the name that was deleted")
        (tmp_path / "data" / "orders" / "job_1.1" / "output").mkdir(parents=True)
        worker = Worker(Settings(_env_file=None, data_dir=tmp_path / "data", training_slots=0))
        worker.start()
        worker.stop()
        assert rows.job(job_id).state == "queued"
        assert not (tmp_path / "data" / "orders").exists()


def test_the_workers_own_slots_are_woken_for_what_waits(
    rows: Any, database: Database, settings: Settings
) -> None:
    rung: list[frozenset[str]] = []
    reconciler = Reconciler(database, settings, rung.append)
    reconciler.reconcile()
    assert rung == []
    reading = rows.reading()
    reconciler.reconcile()
    put(database, reading, "running")
    run_out(database)
    rows.training()
    reconciler.reconcile()
    assert rung == [frozenset({"light"}), frozenset({"training", "light"})]


def test_checkpoints_go_when_nothing_can_be_resumed_from_them(
    rows: Any, database: Database, tmp_path: Path
) -> None:
    states = ["queued", "running", "paused", "failed", "succeeded", "cancelled"]
    jobs = [put(database, rows.training(), state) for state in states]
    for name in (*jobs, "job_that_is_gone"):
        (tmp_path / "checkpoints" / name / "step-10").mkdir(parents=True)
    sweep_checkpoints(database, tmp_path)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {*jobs[:4]}


def test_a_worker_keeps_its_name_through_its_lives(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        identity = Identity(tmp_path)
        names.append(identity.name)
        identity.close()
    assert names[0] == names[1]
    (tmp_path / "other").mkdir()
    other = Identity(tmp_path / "other")
    assert other.name != names[0]
    other.close()


def test_a_name_that_is_held_is_not_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.identity.PATIENCE_SECONDS", 0.2)
    identity = Identity(tmp_path)
    with pytest.raises(AnotherWorker, match="another worker already works on"):
        Identity(tmp_path)
    identity.close()
    Identity(tmp_path).close()
