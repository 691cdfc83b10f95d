import threading
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import Reach, claim
from app.tables import DatasetVersion, Job


def claimed(
    database: Database, slot: str = "training", worker: str = "w", reach: Reach | None = None
) -> str | None:
    with database.write() as session:
        job = claim(session, slot, worker, reach=reach or Reach())
        return None if job is None else job.id


def test_a_claimed_job_is_running_in_its_first_attempt(rows: Any, database: Database) -> None:
    job_id = rows.training()
    with database.write() as session:
        job = claim(session, "training", "worker_1")
        assert job is not None
        assert (job.id, job.state, job.attempt, job.worker, job.phase) == (
            *(job_id, "running", 1, "worker_1", "starting"),
        )
    job = rows.job(job_id)
    assert job.started_at is not None
    assert [phase["phase"] for phase in job.phases] == ["starting"]
    events = [(event.type, event.attempt, event.data) for event in rows.events(job_id)]
    assert events[-2:] == [("state", 1, {"state": "running"}), ("phase", 1, {"phase": "starting"})]


def test_a_later_attempt_is_told_after_what_came_before(rows: Any, database: Database) -> None:
    before = [{"phase": phase, "at": "2026-01-02T03:04:05Z"} for phase in ("starting", "training")]
    job_id = rows.training()
    with database.write() as session:
        session.execute(update(Job).values(phases=before, phase="training"))
    assert claimed(database) == job_id
    job = rows.job(job_id)
    assert job.phases[:2] == before
    assert [phase["phase"] for phase in job.phases[2:]] == ["starting"]
    assert job.phases[2]["at"].endswith("Z")


def test_the_highest_priority_goes_first_then_the_oldest(rows: Any, database: Database) -> None:
    version = rows.version()
    expected = [rows.training(version=version, priority=priority) for priority in (0, 5, 5, -1)]
    assert [claimed(database) for _ in range(5)] == [*(expected[i] for i in (1, 2, 0, 3)), None]


def test_a_slot_claims_jobs_of_its_own_sort_only(rows: Any, database: Database) -> None:
    reading = rows.reading()
    assert claimed(database, "training") is None
    assert claimed(database, "light") == reading


def test_a_job_for_more_devices_than_a_slot_can_have_is_left_to_others(rows: Any, database: Database) -> None:
    wide, narrow = rows.training(devices=3), rows.training()
    assert claimed(database, reach=Reach(2, 2)) == narrow
    assert claimed(database, reach=Reach(2, 2)) is None
    assert claimed(database, reach=Reach(3, 4)) == wide


def test_a_job_that_waits_for_devices_is_not_passed_by(rows: Any, database: Database) -> None:
    wide, narrow = rows.training(devices=2), rows.training()
    assert claimed(database, reach=Reach(1, 2)) is None
    assert claimed(database, reach=Reach(2, 2)) == wide
    assert claimed(database, reach=Reach(1, 2)) == narrow


@pytest.mark.parametrize("state", ["reading", "invalid"])
def test_a_training_job_waits_for_its_dataset(rows: Any, database: Database, state: str) -> None:
    version = rows.version(state)
    job_id = rows.training(version=version)
    assert claimed(database) is None
    with database.write() as session:
        session.execute(update(DatasetVersion).values(state="ready"))
    assert claimed(database) == job_id


@pytest.mark.parametrize("state", ["running", "cancelling", "succeeded", "failed", "cancelled"])
def test_a_job_that_is_not_queued_is_not_claimed(rows: Any, database: Database, state: str) -> None:
    job_id = rows.training()
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=state))
    assert claimed(database) is None


def test_a_claim_that_is_rolled_back_leaves_the_job_to_others(rows: Any, database: Database) -> None:
    job_id = rows.training()

    def claim_and_fail() -> None:
        with database.write() as session:
            claim(session, "training", "first")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        claim_and_fail()
    assert claimed(database, worker="second") == job_id
    assert rows.job(job_id).attempt == 1


def test_no_job_is_claimed_twice_by_eight_claimers(rows: Any, database: Database, database_url: str) -> None:
    version = rows.version()
    jobs = [rows.training(version=version) for _ in range(240)]
    claims: list[tuple[str, str]] = []
    start = threading.Barrier(8)

    def claim_until_empty(name: str) -> None:
        # Connections of its own, as another process has.
        own = Database(database_url)
        start.wait(30)
        while (job_id := claimed(own, worker=name)) is not None:
            claims.append((job_id, name))
        own.close()

    threads = [threading.Thread(target=claim_until_empty, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert Counter(job_id for job_id, _ in claims) == Counter(jobs)
    with database.read() as session:
        found = session.execute(select(Job.id, Job.worker, Job.attempt, Job.state)).all()
    assert {(row.id, row.worker) for row in found} == set(claims)
    assert {(row.attempt, row.state) for row in found} == {(1, "running")}
