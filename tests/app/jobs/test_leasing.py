from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.leasing import era, expired, moment, renew
from app.tables import Job


def claimed(database: Database, lease: float = 30.0) -> Job | None:
    with database.write() as session:
        return claim(session, "training", "w", lease=lease)


def lost(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Job.id).where(expired(session))))


def put(database: Database, **columns: Any) -> None:
    with database.write() as session:
        session.execute(update(Job).values(**columns))


def clock(database: Database) -> float:
    with database.read() as session:
        return float(session.scalar(select(moment(session))))


def test_a_claimed_job_is_held_for_as_long_as_was_asked(rows: Any, database: Database) -> None:
    rows.training()
    before = clock(database)
    job = claimed(database, lease=40.0)
    assert job is not None
    assert before + 40 <= job.lease_until <= clock(database) + 40
    assert lost(database) == []


@pytest.mark.parametrize("state", ["running", "pausing", "cancelling"])
def test_an_attempt_whose_lease_ran_out_is_lost(rows: Any, database: Database, state: str) -> None:
    job_id = rows.training()
    claimed(database)
    put(database, state=state, lease_until=clock(database) - 0.001)
    assert lost(database) == [job_id]


@pytest.mark.parametrize("state", ["queued", "paused", "succeeded", "failed", "cancelled"])
def test_what_no_worker_holds_is_not_lost(rows: Any, database: Database, state: str) -> None:
    rows.training()
    put(database, state=state, lease_until=0.0)
    assert lost(database) == []


def test_what_was_held_before_the_machine_started_again_is_lost(rows: Any, database: Database) -> None:
    job_id = rows.training()
    claimed(database)
    put(database, era="another start", lease_until=clock(database) + 10**6)
    assert lost(database) == [job_id]


def test_what_was_begun_before_there_were_leases_is_lost(rows: Any, database: Database) -> None:
    job_id = rows.training()
    claimed(database)
    put(database, era=None, lease_until=None)
    assert lost(database) == [job_id]


def test_a_renewed_lease_begins_anew(rows: Any, database: Database) -> None:
    job_id = rows.training()
    claimed(database)
    put(database, lease_until=0.0)
    with database.write() as session:
        assert renew(session, job_id, 1, 30.0)
    assert lost(database) == []
    assert rows.job(job_id).lease_until > clock(database) + 20


@pytest.mark.parametrize(("attempt", "state"), [(2, "running"), (1, "queued"), (1, "failed")])
def test_only_the_attempt_that_runs_renews_its_lease(
    rows: Any, database: Database, attempt: int, state: str
) -> None:
    job_id = rows.training()
    claimed(database)
    put(database, attempt=attempt, state=state, lease_until=0.0)
    with database.write() as session:
        assert not renew(session, job_id, 1, 30.0)
    assert rows.job(job_id).lease_until == 0.0


def test_a_job_that_has_to_wait_is_claimed_when_its_time_has_come(rows: Any, database: Database) -> None:
    rows.training()
    with database.read() as session:
        name = era(session)
    put(database, era=name, not_before=clock(database) + 60)
    assert claimed(database) is None
    put(database, not_before=clock(database) - 0.001)
    assert claimed(database) is not None


def test_waiting_ends_with_a_new_start_of_the_machine(rows: Any, database: Database) -> None:
    job_id = rows.training()
    put(database, era="another start", not_before=10.0**9 * 5)
    job = claimed(database)
    assert job is not None
    assert (job.id, job.not_before) == (job_id, None)
