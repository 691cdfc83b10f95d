from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.recording import Reported, record
from app.tables import Job, MetricPoint


@pytest.fixture
def job_id(rows: Any, database: Database) -> str:
    job_id: str = rows.training()
    with database.write() as session:
        claim(session, "training", "w")
    return job_id


def epoch(number: int, **metrics: float) -> Reported:
    data = {"epoch": number, "epochs": 3, "step": 10 * number, "metrics": metrics, "seconds": 0.1, "eta": 1.0}
    return Reported("epoch", data)


def write(database: Database, job_id: str, *events: Reported, attempt: int = 1) -> bool:
    with database.write() as session:
        return record(session, job_id, attempt, events)


def points(database: Database, job_id: str) -> list[tuple[Any, ...]]:
    query = select(MetricPoint).where(MetricPoint.job_id == job_id)
    with database.read() as session:
        found = session.scalars(query.order_by(MetricPoint.key, MetricPoint.step)).all()
        return [(point.key, point.epoch, point.step, point.value, point.flag) for point in found]


def test_an_epoch_becomes_an_event_points_and_progress(rows: Any, database: Database, job_id: str) -> None:
    assert write(database, job_id, epoch(1, loss=0.5, accuracy=0.8), epoch(2, loss=0.25, accuracy=0.9))
    assert [event.data["epoch"] for event in rows.events(job_id, "epoch")] == [1, 2]
    assert points(database, job_id) == [
        ("accuracy", 1, 10, 0.8, None),
        ("accuracy", 2, 20, 0.9, None),
        ("loss", 1, 10, 0.5, None),
        ("loss", 2, 20, 0.25, None),
    ]
    assert rows.job(job_id).progress == {"epoch": 2, "epochs": 3, "step": 20, "eta": 1.0}


def test_a_point_that_is_reported_again_is_replaced(database: Database, job_id: str) -> None:
    write(database, job_id, epoch(1, loss=0.5))
    write(database, job_id, epoch(1, loss=0.4), epoch(1, loss=0.3))
    assert points(database, job_id) == [("loss", 1, 10, 0.3, None)]


def test_figures_that_json_does_not_know_are_null_with_a_flag(
    rows: Any, database: Database, job_id: str
) -> None:
    write(database, job_id, epoch(1, a=float("nan"), b=float("inf"), c=float("-inf"), d=1.0))
    assert [point[3:] for point in points(database, job_id)] == [
        (None, "nan"),
        (None, "inf"),
        (None, "-inf"),
        (1.0, None),
    ]
    [event] = rows.events(job_id, "epoch")
    assert event.data["metrics"] == {"a": None, "b": None, "c": None, "d": 1.0}


@pytest.mark.parametrize(
    ("early_stopping", "best"),
    [
        (None, 2),
        ({"monitor": "val_loss"}, 2),
        ({"monitor": "val_accuracy"}, 3),
        ({"monitor": "val_absent"}, 3),
    ],
)
def test_the_best_epoch_is_that_of_the_figure_that_is_watched(
    rows: Any, database: Database, job_id: str, early_stopping: dict[str, str] | None, best: int
) -> None:
    with database.write() as session:
        session.execute(update(Job).values(resolved={"training": {"early_stopping": early_stopping}}))
    write(database, job_id, epoch(1, val_loss=0.5, val_accuracy=0.7, loss=0.3))
    write(database, job_id, epoch(2, val_loss=0.4, val_accuracy=0.7, loss=0.2))
    write(database, job_id, epoch(3, val_loss=float("nan"), val_accuracy=0.8, loss=0.1))
    assert rows.job(job_id).best["epoch"] == best


def test_progress_within_an_epoch_leaves_no_event(rows: Any, database: Database, job_id: str) -> None:
    before = len(rows.events(job_id))
    write(database, job_id, Reported("progress", {"epoch": 1, "epochs": 3, "step": 5, "steps": 10}))
    assert rows.job(job_id).progress == {"epoch": 1, "epochs": 3, "step": 5, "steps": 10}
    assert len(rows.events(job_id)) == before


def test_phases_have_a_timed_history(rows: Any, database: Database, job_id: str) -> None:
    write(
        database, job_id, Reported("phase", {"phase": "training"}), Reported("phase", {"phase": "exporting"})
    )
    job = rows.job(job_id)
    assert job.phase == "exporting"
    assert [phase["phase"] for phase in job.phases] == ["starting", "training", "exporting"]
    assert all(phase["at"].endswith("Z") for phase in job.phases)


def test_log_lines_are_kept(rows: Any, database: Database, job_id: str) -> None:
    write(database, job_id, Reported("log", {"level": "info", "message": "hello"}))
    assert [event.data for event in rows.events(job_id, "log")] == [{"level": "info", "message": "hello"}]


@pytest.mark.parametrize("attempt", [0, 2])
def test_another_attempt_writes_nothing(rows: Any, database: Database, job_id: str, attempt: int) -> None:
    before = len(rows.events(job_id))
    assert not write(database, job_id, epoch(1, loss=0.5), attempt=attempt)
    assert (len(rows.events(job_id)), points(database, job_id)) == (before, [])
    assert rows.job(job_id).progress is None


@pytest.mark.parametrize("state", ["queued", "succeeded", "failed", "cancelled"])
def test_an_attempt_that_has_ended_writes_nothing(
    rows: Any, database: Database, job_id: str, state: str
) -> None:
    with database.write() as session:
        session.execute(update(Job).values(state=state))
    assert not write(database, job_id, epoch(1, loss=0.5))
    assert points(database, job_id) == []


def test_a_job_that_is_being_cancelled_still_reports(database: Database, job_id: str) -> None:
    with database.write() as session:
        session.execute(update(Job).values(state="cancelling"))
    assert write(database, job_id, epoch(1, loss=0.5))


def test_an_event_of_another_type_is_refused(database: Database, job_id: str) -> None:
    with pytest.raises(
        ValueError, match="expected an event that a child may report before its end, got 'result'"
    ):
        write(database, job_id, Reported("result", {}))
