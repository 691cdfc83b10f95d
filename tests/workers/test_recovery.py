from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.database import Database
from app.settings import Settings
from app.tables import DatasetVersion, Job
from workers.identity import AnotherWorker, Identity
from workers.recovery import READING_ATTEMPTS, recover
from workers.worker import Worker


@pytest.fixture
def database(database_url: str) -> Any:
    database = Database(database_url)
    yield database
    database.close()


def put(database: Database, job_id: str, state: str, *, worker: str | None = "me", attempt: int = 1) -> str:
    with database.write() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(state=state, worker=worker, attempt=attempt)
        )
    return job_id


def test_a_training_that_was_lost_has_failed_and_may_be_repeated(
    rows: Any, database: Database, tmp_path: Path
) -> None:
    job_id = put(database, rows.training(), "running")
    recover(database, tmp_path, "me")
    job = rows.job(job_id)
    assert (job.state, job.error["code"], job.error["retryable"]) == ("failed", "worker_lost", True)
    assert job.error["hint"]
    assert rows.events(job_id, "state")[-1].data["state"] == "failed"


def test_a_cancel_that_was_lost_is_completed(rows: Any, database: Database, tmp_path: Path) -> None:
    training = put(database, rows.training(), "cancelling")
    reading = put(database, rows.reading(), "cancelling")
    recover(database, tmp_path, "me")
    assert (rows.job(training).state, rows.job(reading).state) == ("cancelled", "cancelled")
    assert rows.get(DatasetVersion, rows.job(reading).dataset_version_id).state == "invalid"


def test_a_reading_that_was_lost_is_begun_again_but_not_for_ever(
    rows: Any, database: Database, tmp_path: Path
) -> None:
    jobs = [
        put(database, rows.reading(), "running", attempt=attempt)
        for attempt in range(1, READING_ATTEMPTS + 1)
    ]
    recover(database, tmp_path, "me")
    assert [rows.job(job_id).state for job_id in jobs] == ["queued"] * (READING_ATTEMPTS - 1) + ["failed"]
    versions = [rows.get(DatasetVersion, rows.job(job_id).dataset_version_id).state for job_id in jobs]
    assert versions == ["reading"] * (READING_ATTEMPTS - 1) + ["invalid"]


@pytest.mark.parametrize("state", ["running", "cancelling"])
def test_the_jobs_of_other_workers_are_left_alone(
    rows: Any, database: Database, tmp_path: Path, state: str
) -> None:
    job_id = put(database, rows.training(), state, worker="somebody else")
    recover(database, tmp_path, "me")
    assert rows.job(job_id).state == state


def test_where_there_is_no_other_worker_every_lost_job_is_settled(
    rows: Any, database: Database, tmp_path: Path
) -> None:
    job_id = put(database, rows.training(), "running", worker="a name that was lost")
    recover(database, tmp_path, None)
    assert rows.job(job_id).error["code"] == "worker_lost"


def test_a_worker_whose_name_was_deleted_settles_what_it_left(
    sqlite_url: str, tmp_path: Path, rows_in: Any
) -> None:
    with closing(Database(sqlite_url)) as database:
        rows = rows_in(database)
        job_id = put(database, rows.training(), "running", worker="the name that was deleted")
        worker = Worker(Settings(_env_file=None, data_dir=tmp_path / "data", training_slots=0))
        worker.start()
        worker.stop()
        assert rows.job(job_id).error["code"] == "worker_lost"


@pytest.mark.parametrize("state", ["queued", "succeeded", "failed", "cancelled"])
def test_jobs_that_do_not_run_are_left_alone(
    rows: Any, database: Database, tmp_path: Path, state: str
) -> None:
    job_id = put(database, rows.training(), state)
    recover(database, tmp_path, "me")
    assert (rows.job(job_id).state, rows.job(job_id).error) == (state, None)


def test_the_orders_of_lost_attempts_are_removed(database: Database, tmp_path: Path) -> None:
    (tmp_path / "orders" / "job_1.1" / "output").mkdir(parents=True)
    recover(database, tmp_path, "me")
    assert not (tmp_path / "orders").exists()


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
