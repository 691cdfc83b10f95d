"""Checkpoints, orders, staged files and log lines."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs import verbs
from app.retention import collecting, folders
from app.retention.garbage import Garbage
from app.tables import Event, Job
from workers.orders import ORDERS_DIR
from workers.protocol import CHECKPOINTS_DIR

HOUR = 3600.0
OLD = 25 * HOUR


@pytest.fixture
def put(rows: Any, database: Database, yard: Any) -> Callable[..., str]:
    """Add a job in a state, which it has been in for so many hours."""

    def put(state: str, hours: float = 0.0, **columns: Any) -> str:
        job_id: str = rows.training()
        finished = yard.site().moment - timedelta(hours=hours)
        ended = {"finished_at": finished} if state in {"failed", "succeeded", "cancelled"} else {}
        with database.write() as session:
            values = {"state": state, "attempt": 1, **ended, **columns}
            session.execute(update(Job).where(Job.id == job_id).values(**values))
        return job_id

    return put


def names(found: list[Garbage], kind: str) -> set[str]:
    return {each.name for each in found if each.kind == kind}


def test_the_folders_are_those_of_the_workers(yard: Any) -> None:
    settings = yard.settings
    assert settings.checkpoints_dir == settings.data_dir / CHECKPOINTS_DIR
    assert settings.orders_dir == settings.data_dir / ORDERS_DIR


def test_checkpoints_go_a_day_after_the_end_of_their_job(yard: Any, put: Callable[..., str]) -> None:
    ended = {put(state, 25) for state in ("failed", "succeeded", "cancelled")}
    needed = {put("failed", 23), put("paused"), put("running"), put("queued"), "job_unknown_young"}
    for job_id in ended | needed | {"job_unknown_old"}:
        age = 0 if job_id.endswith("young") else OLD
        yard.folder(yard.settings.checkpoints_dir / job_id, "weights", age)
    planned = yard.plan()
    assert names(planned, "checkpoint") == ended | {"job_unknown_old"}
    assert {each.bytes for each in planned} == {len("weights")}
    assert yard.run() == planned
    assert {path.name for path in yard.settings.checkpoints_dir.iterdir()} == needed
    assert list(yard.store.staging.iterdir()) == []


def test_a_job_that_is_retried_meanwhile_keeps_its_checkpoints(
    yard: Any, put: Callable[..., str], database: Database
) -> None:
    job_id = put("failed", 25)
    folder = yard.folder(yard.settings.checkpoints_dir / job_id, "weights", OLD)
    [planned] = yard.plan()
    with database.write() as session:
        verbs.retry(session, "local", job_id)
    assert not planned.remove()
    assert folder.exists()


def test_what_a_killed_child_was_writing_goes(yard: Any, put: Callable[..., str], older: Any) -> None:
    folder = yard.folder(yard.settings.checkpoints_dir / put("running"), "weights", OLD)
    torn = older(folder / "unfinished-7", OLD, "torn")
    older(folder / "unfinished-8", 0, "being written")
    assert names(yard.run(), "checkpoint") == {torn.name}
    assert {path.name for path in folder.iterdir()} == {"file", "unfinished-8"}


def test_an_order_goes_when_no_worker_holds_its_attempt(yard: Any, put: Callable[..., str]) -> None:
    held, lost = put("running"), put("queued", attempt=3)
    for name in (f"{held}.1", f"{held}.0", f"{lost}.3", "odd"):
        yard.folder(yard.settings.orders_dir / name, "order", OLD)
    yard.folder(yard.settings.orders_dir / "job_young.1", "order", 0)
    assert names(yard.run(), "order") == {f"{held}.0", f"{lost}.3", "odd"}
    assert {path.name for path in yard.settings.orders_dir.iterdir()} == {f"{held}.1", "job_young.1"}


def test_the_order_of_a_gangs_member_stays_as_long_as_its_attempt_is_held(
    yard: Any, put: Callable[..., str]
) -> None:
    held, over = put("running"), put("succeeded", 25)
    for name in (f"{held}.1.1", f"{held}.0.1", f"{over}.1.1"):
        yard.folder(yard.settings.orders_dir / name, "order", OLD)
    assert names(yard.run(), "order") == {f"{held}.0.1", f"{over}.1.1"}
    assert [path.name for path in yard.settings.orders_dir.iterdir()] == [f"{held}.1.1"]


def test_what_goes_while_it_is_looked_at_hinders_nothing(yard: Any, older: Any) -> None:
    first, second, third = (older(yard.store.staging / f"upload_{n}", OLD, "half") for n in (1, 2, 3))
    looking = collecting.run(yard.site())
    assert next(looking).name == first.name
    # Another process adopts it, or removes it.
    second.unlink()
    assert [each.name for each in looking] == [third.name]
    assert folders.size_of(second) == 0


def test_what_was_arriving_and_was_given_up_goes(yard: Any, older: Any) -> None:
    older(yard.store.staging / "upload_old", OLD, "half")
    older(yard.store.staging / "upload_young", 23 * HOUR, "half")
    yard.folder(yard.store.staging / "checkpoints_old", "weights", OLD)
    assert names(yard.run(), "staging") == {"upload_old", "checkpoints_old"}
    assert [path.name for path in yard.store.staging.iterdir()] == ["upload_young"]


def test_old_log_lines_of_jobs_that_ended_go_and_nothing_else_of_them(
    yard: Any, put: Callable[..., str], database: Database
) -> None:
    site = yard.site()
    long_ended, running = put("failed", 31 * 24), put("running")
    lately = put("succeeded", 24)
    with database.write() as session:
        for job_id in (long_ended, running, lately):
            for kind, days in (("log", 40), ("epoch", 40), ("log", 1)):
                at = site.moment - timedelta(days=days)
                session.add(Event(job_id=job_id, attempt=1, type=kind, data={"message": "said"}, at=at))
    planned = yard.plan()
    assert names(planned, "log") == {f"{long_ended}, 1 lines"}
    assert planned[0].bytes > 10
    assert yard.run() == planned
    with database.read() as session:
        left = session.execute(select(Event.job_id, Event.type).where(Event.type != "state")).all()
    assert sorted(left) == sorted(
        [(long_ended, "epoch"), (long_ended, "log")]
        + [(job_id, kind) for job_id in (running, lately) for kind in ("log", "epoch", "log")]
    )


def test_a_thing_that_cannot_be_removed_keeps_no_other_back(
    yard: Any, put: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = yard.folder(yard.settings.checkpoints_dir / put("failed", 25), "weights", OLD)
    yard.folder(yard.settings.orders_dir / "job_old.1", "order", OLD)
    yard.store.staging.rmdir()
    assert names(yard.run(), "order") == {"job_old.1"}
    assert folder.exists()
    assert "could not be removed" in caplog.text
