from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.finishing import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, back_off, hand_back, lose
from app.jobs.leasing import moment
from app.jobs.recording import Reported, record
from app.tables import DatasetVersion, Job

FAILURE = {"code": "worker_lost", "message": "It is gone.", "hint": "Try again.", "retryable": True}


@pytest.fixture
def job_id(rows: Any) -> str:
    return str(rows.training())


def begin(database: Database, slot: str = "training") -> None:
    with database.write() as session:
        session.execute(update(Job).values(not_before=None))
        assert claim(session, slot, "w") is not None


def lost(database: Database, job_id: str, attempt: int, restarts: int = 3) -> bool:
    with database.write() as session:
        return lose(session, job_id, attempt, FAILURE, restarts)


def checkpoint(database: Database, job_id: str, attempt: int, step: int) -> None:
    with database.write() as session:
        assert record(session, job_id, attempt, [Reported("checkpoint", {"epoch": 1, "step": step})])


def wait_of(database: Database, job: Job) -> float:
    with database.read() as session:
        return job.not_before - float(session.scalar(select(moment(session))))


def test_a_lost_job_is_begun_again_at_once_then_later_then_not_at_all(
    rows: Any, database: Database, job_id: str
) -> None:
    begin(database)
    assert lost(database, job_id, 1)
    first = rows.job(job_id)
    assert (first.state, first.restarts, first.not_before, first.worker) == ("queued", 1, None, None)
    for attempt in (2, 3):
        begin(database)
        assert lost(database, job_id, attempt)
        job = rows.job(job_id)
        assert (job.state, job.restarts) == ("queued", attempt)
        assert 0 < wait_of(database, job) <= 1.25 * FIRST_PAUSE_SECONDS * (attempt - 1)
    begin(database)
    assert lost(database, job_id, 4)
    job = rows.job(job_id)
    assert (job.state, job.attempt, job.error) == ("failed", 4, FAILURE)
    states = [event.data["state"] for event in rows.events(job_id, "state")]
    assert states == ["queued", "running"] * 4 + ["failed"]


def test_an_attempt_that_got_further_costs_nothing(rows: Any, database: Database, job_id: str) -> None:
    for attempt in range(1, 6):
        begin(database)
        checkpoint(database, job_id, attempt, step=10 * attempt)
        assert lost(database, job_id, attempt, restarts=0)
        job = rows.job(job_id)
        assert (job.state, job.restarts, job.not_before) == ("queued", 0, None)


def test_an_attempt_that_only_repeats_an_earlier_checkpoint_costs_a_restart(
    rows: Any, database: Database, job_id: str
) -> None:
    begin(database)
    checkpoint(database, job_id, 1, step=10)
    lost(database, job_id, 1)
    begin(database)
    checkpoint(database, job_id, 2, step=10)
    lost(database, job_id, 2)
    job = rows.job(job_id)
    assert (job.restarts, job.checkpoint) == (1, {"epoch": 1, "step": 10, "attempt": 1})


def test_a_job_that_is_handed_back_costs_nothing(rows: Any, database: Database, job_id: str) -> None:
    begin(database)
    with database.write() as session:
        assert hand_back(session, job_id, 1)
    job = rows.job(job_id)
    assert (job.state, job.restarts, job.not_before) == ("queued", 0, None)


@pytest.mark.parametrize(("state", "end"), [("cancelling", "cancelled"), ("pausing", "paused")])
def test_a_job_that_is_lost_while_it_leaves_ends_as_it_was_told_to(
    rows: Any, database: Database, job_id: str, state: str, end: str
) -> None:
    begin(database)
    with database.write() as session:
        session.execute(update(Job).values(state=state))
    assert lost(database, job_id, 1)
    assert (rows.job(job_id).state, rows.job(job_id).restarts) == (end, 0)


def test_what_is_lost_already_is_not_lost_again(rows: Any, database: Database, job_id: str) -> None:
    begin(database)
    assert lost(database, job_id, 1)
    assert not lost(database, job_id, 1)
    begin(database)
    assert not lost(database, job_id, 1)
    assert (rows.job(job_id).state, rows.job(job_id).attempt) == ("running", 2)


def test_a_reading_that_ends_every_worker_leaves_its_version_invalid(rows: Any, database: Database) -> None:
    reading = rows.reading()
    begin(database, "light")
    assert lost(database, reading, 1, restarts=0)
    version = rows.get(DatasetVersion, rows.job(reading).dataset_version_id)
    assert (rows.job(reading).state, version.state) == ("failed", "invalid")


def test_waiting_doubles_up_to_a_limit() -> None:
    assert back_off(0) == 0
    assert [5 * 2**n <= back_off(n + 1) <= 6.25 * 2**n for n in range(4)] == [True] * 4
    assert back_off(50) == LONGEST_PAUSE_SECONDS
