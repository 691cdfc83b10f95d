from typing import Any

import pytest
from sqlalchemy import update

from app.database import Database
from app.jobs import finishing
from app.jobs.claiming import claim
from app.tables import DatasetVersion, Job

FAILURE = {"code": "crashed", "message": "It fell.", "hint": "Try again.", "retryable": True}
IMAGES = {
    "kind": "images",
    "rows": 4,
    "test_rows": 1,
    "shape": [8, 8, 1],
    "dtype": "float32",
    "labels": ["a", "b"],
    "image": {"low": 0, "high": 16, "background": 0},
}
FILES = {
    name: {"sha256": name * 2, "bytes": 7, "media_type": "application/x-npy"} for name in ("x.npy", "y.npy")
}


@pytest.fixture
def training(rows: Any, database: Database) -> str:
    return start(database, rows.training())


@pytest.fixture
def reading(rows: Any, database: Database) -> str:
    return start(database, rows.reading())


def start(database: Database, job_id: str) -> str:
    with database.write() as session:
        for slot in ("training", "light"):
            claim(session, slot, "w")
    return job_id


def put_into(database: Database, job_id: str, state: str) -> None:
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=state))


def read(
    database: Database, job_id: str, *, digest: str = "d1", attempt: int = 1, max_parameters: int = 10**8
) -> bool:
    result = {
        "schema": IMAGES,
        "profile": {"rows": 4},
        "split": {"test": 1},
        "warnings": ["dull"],
        "digest": digest,
    }
    with database.write() as session:
        return finishing.finish_reading(
            session, job_id, attempt, result, FILES, max_parameters=max_parameters
        )


def fail(database: Database, job_id: str, attempt: int = 1) -> bool:
    with database.write() as session:
        return finishing.fail(session, job_id, attempt, FAILURE)


def states(rows: Any, job_id: str) -> list[str]:
    return [event.data["state"] for event in rows.events(job_id, "state")]


def test_a_failed_job_says_why(rows: Any, database: Database, training: str) -> None:
    assert fail(database, training)
    job = rows.job(training)
    assert (job.state, job.error) == ("failed", FAILURE)
    assert job.finished_at is not None
    assert rows.events(training, "state")[-1].data == {"state": "failed", "error": FAILURE}


def test_a_job_that_is_being_cancelled_ends_cancelled_whatever_its_child_died_of(
    rows: Any, database: Database, training: str
) -> None:
    put_into(database, training, "cancelling")
    assert fail(database, training)
    job = rows.job(training)
    assert (job.state, job.error) == ("cancelled", None)
    assert job.finished_at is not None


def test_only_a_job_that_is_being_cancelled_becomes_cancelled(
    rows: Any, database: Database, training: str
) -> None:
    with database.write() as session:
        assert not finishing.cancelled(session, training, 1)
    assert rows.job(training).state == "running"
    put_into(database, training, "cancelling")
    with database.write() as session:
        assert finishing.cancelled(session, training, 1)
    assert rows.job(training).state == "cancelled"


def test_a_job_that_is_handed_back_waits_again_and_is_rung_for(
    rows: Any, database_url: str, database: Database, training: str
) -> None:
    rung: list[frozenset[str]] = []
    ringing = Database(database_url, on_commit=rung.append)
    with ringing.write() as session:
        assert finishing.hand_back(session, training, 1)
    ringing.close()
    job = rows.job(training)
    assert (job.state, job.worker, job.phase, job.started_at) == ("queued", None, None, None)
    assert rung == [frozenset({"training"})]
    assert start(database, training) == training
    assert rows.job(training).attempt == 2


def test_a_job_that_is_being_cancelled_is_not_handed_back(
    rows: Any, database: Database, training: str
) -> None:
    put_into(database, training, "cancelling")
    with database.write() as session:
        assert finishing.hand_back(session, training, 1)
    assert rows.job(training).state == "cancelled"


@pytest.mark.parametrize("attempt", [0, 2])
def test_another_attempt_ends_nothing(rows: Any, database: Database, training: str, attempt: int) -> None:
    assert not fail(database, training, attempt)
    with database.write() as session:
        assert not finishing.hand_back(session, training, attempt)
        assert not finishing.cancelled(session, training, attempt)
    assert rows.job(training).state == "running"


def test_a_job_ends_once(rows: Any, database: Database, training: str) -> None:
    assert fail(database, training)
    assert not fail(database, training)
    assert states(rows, training) == ["queued", "running", "failed"]


def test_a_dataset_that_was_read_is_ready(rows: Any, database: Database, reading: str) -> None:
    assert read(database, reading)
    job = rows.job(reading)
    version = rows.get(DatasetVersion, job.dataset_version_id)
    assert (job.state, version.state, version.digest, version.bytes) == ("succeeded", "ready", "d1", 14)
    assert (version.schema, version.profile, version.split) == (IMAGES, {"rows": 4}, {"test": 1})
    assert (version.files, version.warnings, version.duplicate_of) == (FILES, ["dull"], None)


def test_a_dataset_that_was_read_before_says_so_and_can_be_used(rows: Any, database: Database) -> None:
    first = rows.version(digest="d1")
    dataset = rows.get(DatasetVersion, first).dataset_id
    rows.version("invalid", dataset=dataset, digest="d1")
    rows.version(digest="d1")
    version = rows.version("reading", dataset=dataset)
    assert read(database, start(database, rows.reading(version=version)))
    row = rows.get(DatasetVersion, version)
    assert (row.state, row.number, row.duplicate_of) == ("ready", 3, 1)


def test_the_jobs_that_waited_for_a_dataset_are_resolved_and_rung_for(
    rows: Any, database_url: str, database: Database, reading: str
) -> None:
    version = rows.job(reading).dataset_version_id
    request = {"network": {"preset": "cnn-small"}, "training": {"epochs": 2}}
    waiting = rows.training(version=version, resolved=None, request=request)
    misfit = rows.training(version=version, resolved=None, request={"network": {"preset": "unheard-of"}})
    rung: list[frozenset[str]] = []
    ringing = Database(database_url, on_commit=rung.append)
    assert read(ringing, reading)
    ringing.close()
    assert rung == [frozenset({"training"})]
    assert rows.job(waiting).resolved["training"]["epochs"] == 2
    assert (rows.job(misfit).state, rows.job(misfit).error["code"]) == ("failed", "bad_data")
    assert rows.job(start(database, waiting)).state == "running"


def test_a_job_that_waited_may_not_have_more_parameters_than_are_allowed(
    rows: Any, database: Database, reading: str
) -> None:
    version = rows.job(reading).dataset_version_id
    request = {"network": {"preset": "cnn-small"}}
    waiting = rows.training(version=version, resolved=None, request=request)
    assert read(database, reading, max_parameters=1000)
    job = rows.job(waiting)
    assert (job.state, job.error["code"]) == ("failed", "bad_data")
    assert "1,000" in job.error["message"]


def test_the_jobs_that_waited_for_a_dataset_that_cannot_be_read_fail(
    rows: Any, database: Database, reading: str
) -> None:
    version = rows.job(reading).dataset_version_id
    waiting, other = rows.training(version=version), rows.training()
    assert fail(database, reading)
    row = rows.get(DatasetVersion, version)
    assert (row.state, row.error) == ("invalid", FAILURE)
    assert rows.job(waiting).error == {
        "code": "bad_data",
        "message": "The dataset version could not be read: It fell.",
        "hint": "Try again.",
        "retryable": False,
    }
    assert states(rows, waiting) == ["queued", "failed"]
    assert rows.job(other).state == "queued"


@pytest.mark.parametrize("how", ["read", "cancelled"])
def test_a_reading_that_is_cancelled_leaves_no_dataset(
    rows: Any, database: Database, reading: str, how: str
) -> None:
    version = rows.job(reading).dataset_version_id
    waiting = rows.training(version=version)
    put_into(database, reading, "cancelling")
    if how == "read":
        assert read(database, reading)
    else:
        with database.write() as session:
            assert finishing.cancelled(session, reading, 1)
    assert rows.job(reading).state == "cancelled"
    assert rows.get(DatasetVersion, version).state == "invalid"
    assert rows.job(waiting).state == "failed"


def test_another_attempt_does_not_finish_a_reading(rows: Any, database: Database, reading: str) -> None:
    assert not read(database, reading, attempt=2)
    assert rows.get(DatasetVersion, rows.job(reading).dataset_version_id).state == "reading"
