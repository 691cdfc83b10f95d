from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.finishing import hand_back
from app.jobs.recording import Reported, record
from app.tables import Job, MetricPoint


def epoch(number: int, loss: float) -> Reported:
    data = {"epoch": number, "epochs": 5, "step": 10 * number, "metrics": {"loss": loss, "val_loss": loss}}
    return Reported("epoch", data)


def place(kind: str, number: int) -> Reported:
    return Reported(kind, {"epoch": number, "step": 10 * number})


@pytest.fixture
def job_id(rows: Any) -> str:
    return str(rows.training())


def attempt(database: Database, job_id: str, number: int, *events: Reported) -> None:
    """Run an attempt that reports ``events`` and is handed back."""
    with database.write() as session:
        assert claim(session, "training", "w") is not None
    with database.write() as session:
        assert record(session, job_id, number, events)
    with database.write() as session:
        assert hand_back(session, job_id, number)


def curve(database: Database) -> list[tuple[int, int, float | None]]:
    query = select(MetricPoint).where(MetricPoint.key == "loss").order_by(MetricPoint.step)
    with database.read() as session:
        return [(point.epoch, point.attempt, point.value) for point in session.scalars(query)]


def test_a_checkpoint_is_kept_on_the_job_and_told(rows: Any, database: Database, job_id: str) -> None:
    attempt(database, job_id, 1, place("checkpoint", 1), place("checkpoint", 2))
    assert rows.job(job_id).checkpoint == {"epoch": 2, "step": 20, "attempt": 1}
    assert [event.data["epoch"] for event in rows.events(job_id, "checkpoint")] == [1, 2]


def test_an_attempt_that_resumes_measures_again_what_came_after_its_checkpoint(
    rows: Any, database: Database, job_id: str
) -> None:
    attempt(database, job_id, 1, epoch(1, 0.9), epoch(2, 0.8), place("checkpoint", 2), epoch(3, 0.1))
    attempt(database, job_id, 2, place("resumed", 2))
    assert curve(database) == [(1, 1, 0.9), (2, 1, 0.8)]
    assert rows.job(job_id).best == {"epoch": 2, "loss": 0.8, "val_loss": 0.8}
    attempt(database, job_id, 3, place("resumed", 2), epoch(3, 0.7), epoch(4, 0.75))
    assert curve(database) == [(1, 1, 0.9), (2, 1, 0.8), (3, 3, 0.7), (4, 3, 0.75)]
    assert rows.job(job_id).best["epoch"] == 3
    said = [event.data["message"] for event in rows.events(job_id, "log")]
    assert said == ["Resumed after epoch 2, step 20."] * 2


def test_an_epoch_that_is_told_again_is_written_only_if_it_was_lost(
    rows: Any, database: Database, job_id: str
) -> None:
    attempt(database, job_id, 1, epoch(1, 0.9), place("checkpoint", 1))
    again = (place("resumed", 2), epoch(1, 0.9), epoch(2, 0.8), epoch(3, 0.7))
    attempt(database, job_id, 2, *again)
    assert curve(database) == [(1, 1, 0.9), (2, 2, 0.8), (3, 2, 0.7)]
    assert [event.data["epoch"] for event in rows.events(job_id, "epoch")] == [1, 2, 3]


def test_a_checkpoint_that_was_never_told_of_costs_no_epoch_and_doubles_none(
    rows: Any, database: Database, job_id: str
) -> None:
    attempt(database, job_id, 1, epoch(1, 0.7), epoch(2, 0.8))
    attempt(database, job_id, 2, place("resumed", 2), epoch(1, 0.7), epoch(2, 0.8), epoch(3, 0.9))
    assert curve(database) == [(1, 1, 0.7), (2, 1, 0.8), (3, 2, 0.9)]
    assert rows.job(job_id).best == {"epoch": 1, "loss": 0.7, "val_loss": 0.7}
    assert [event.data["epoch"] for event in rows.events(job_id, "epoch")] == [1, 2, 3]


def test_an_attempt_that_found_no_checkpoint_begins_with_empty_curves(
    rows: Any, database: Database, job_id: str
) -> None:
    attempt(database, job_id, 1, epoch(1, 0.9), place("checkpoint", 1))
    attempt(database, job_id, 2, place("resumed", 0))
    assert (curve(database), rows.job(job_id).best) == ([], None)
    assert rows.events(job_id, "log") == []


def test_the_curves_of_other_jobs_stay(rows: Any, database: Database, job_id: str) -> None:
    attempt(database, job_id, 1, epoch(1, 0.9), place("checkpoint", 1))
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state="paused"))
    other = str(rows.training())
    attempt(database, other, 1, place("resumed", 0), epoch(1, 0.5))
    assert [value for _, _, value in curve(database)] in ([0.9, 0.5], [0.5, 0.9])
