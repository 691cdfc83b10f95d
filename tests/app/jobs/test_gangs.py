"""Gangs: slots that are claimed together, or not at all."""

import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs import gangs
from app.jobs.claiming import Reach, claim
from app.jobs.gangs import Place
from app.tables import Job, Seat

THREE = Reach(in_all=3)


def place(worker: str, slot: int = 0) -> Place:
    return Place(worker, slot, f"{worker}:{slot}")


def offered(database: Database, worker: str, reach: Reach = THREE) -> str | None:
    with database.write() as session:
        wanted = gangs.offer(session, "training", place(worker), reach)
        return None if wanted is None else wanted.job


def gathered(database: Database, job: str) -> bool:
    with database.write() as session:
        return gangs.gather(session, job, 30.0)


def seats(database: Database) -> dict[str, tuple[int | None, int | None]]:
    with database.read() as session:
        return {seat.worker: (seat.attempt, seat.rank) for seat in session.scalars(select(Seat))}


def whole(rows: Any, database: Database) -> str:
    """Return a job that runs in a gang of two."""
    job: str = rows.training(slots=2)
    for worker in ("a", "b"):
        assert offered(database, worker) == job
    assert gathered(database, job)
    return job


def test_a_gang_begins_when_enough_slots_offer_themselves(rows: Any, database: Database) -> None:
    job = rows.training(slots=2)
    assert offered(database, "b") == job
    assert not gathered(database, job)
    assert rows.job(job).state == "queued"
    assert offered(database, "a") == job
    assert gathered(database, job)
    found = rows.job(job)
    assert (found.state, found.attempt, found.worker, found.phase) == ("running", 1, "a", "starting")
    assert seats(database) == {"a": (1, 0), "b": (1, 1)}
    with database.read() as session:
        assert gangs.addresses(session, job, 1) == ["a:0", "b:0"]
    assert not gathered(database, job)


def test_slots_beyond_what_a_gang_needs_stay_free(rows: Any, database: Database) -> None:
    first, second = rows.training(slots=2), rows.training(slots=2)
    for worker in ("a", "b", "c"):
        offered(database, worker)
    assert gathered(database, first)
    assert seats(database)["c"] == (None, None)
    assert offered(database, "c") == second
    # Who has a seat in a gang offers nothing else by mistake.
    assert offered(database, "a") == second
    assert seats(database) == {"a": (1, 0), "b": (1, 1), "c": (None, None)}


def test_a_gang_is_not_passed_by_and_is_not_claimed_alone(rows: Any, database: Database) -> None:
    gang, narrow = rows.training(slots=2), rows.training()
    with database.write() as session:
        assert claim(session, "training", "a", reach=THREE) is None
    assert offered(database, "a") == gang
    with database.write() as session:
        # Where there are not enough slots it waits, and others do not.
        found = claim(session, "training", "a", reach=Reach(in_all=1))
        assert found is not None
        assert found.id == narrow


def test_two_gangs_never_hold_a_part_of_the_slots_each(rows: Any, database: Database) -> None:
    low = rows.training(slots=2)
    assert offered(database, "a") == low
    high = rows.training(slots=2, priority=5)
    assert offered(database, "b") == high
    assert not gathered(database, high)
    assert not gathered(database, low)
    assert offered(database, "a") == high
    assert gathered(database, high)


def test_an_offer_that_was_not_renewed_does_not_count(rows: Any, database: Database) -> None:
    job = rows.training(slots=2)
    offered(database, "a")
    with database.write() as session:
        session.execute(update(Seat).values(heard_until=0.0))
    offered(database, "b")
    assert not gathered(database, job)
    with database.write() as session:
        gangs.forget(session)
    assert seats(database) == {"b": (None, None)}


def test_a_slot_that_finds_no_gang_takes_its_offer_back(rows: Any, database: Database) -> None:
    job = rows.training(slots=2)
    offered(database, "a")
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job).values(state="cancelled"))
    assert offered(database, "a") is None
    assert seats(database) == {}


def test_a_slot_with_too_few_free_devices_offers_nothing_and_takes_its_offer_back(
    rows: Any, database: Database
) -> None:
    job = rows.training(slots=2, devices=2)
    enough, too_few = Reach(free=2, most=2, in_all=2), Reach(free=1, most=2, in_all=2)
    assert offered(database, "a", enough) == job
    assert offered(database, "a", too_few) is None
    assert seats(database) == {}


def test_a_gang_is_lost_with_any_member_and_only_in_its_own_attempt(rows: Any, database: Database) -> None:
    job = whole(rows, database)

    def lost() -> list[str]:
        with database.read() as session:
            return list(session.scalars(select(Job.id).where(gangs.broken(session))))

    assert lost() == []
    with database.write() as session:
        session.execute(update(Seat).where(Seat.worker == "b").values(heard_until=0.0))
    assert lost() == [job]
    with database.write() as session:
        assert gangs.renew(session, place("b"), 1, 30.0)
        assert not gangs.renew(session, place("b"), 2, 30.0)
    assert lost() == []
    with database.write() as session:
        session.execute(update(Seat).where(Seat.worker == "b").values(heard_until=0.0, attempt=0))
    assert lost() == []


def test_what_an_earlier_life_of_a_member_held_is_found(rows: Any, database: Database) -> None:
    job = whole(rows, database)
    with database.write() as session:
        for worker, expected in (("b", [job]), ("c", [])):
            assert list(session.scalars(select(Job.id).where(gangs.sat(worker)))) == expected
        gangs.forget(session, "b")
    assert seats(database) == {"a": (1, 0)}


def test_members_are_waited_for_as_long_as_they_are_heard_of(rows: Any, database: Database) -> None:
    job = whole(rows, database)
    with database.write() as session:
        assert gangs.others(session, job, 1)
        session.execute(update(Seat).where(Seat.worker == "b").values(heard_until=0.0))
        assert not gangs.others(session, job, 1)
        gangs.leave(session, place("b"))
        assert not gangs.others(session, job, 1)


@pytest.mark.parametrize("jobs", [3])
def test_many_slots_and_many_gangs_come_together_without_a_deadlock(
    rows: Any, database: Database, jobs: int
) -> None:
    made = [rows.training(slots=2) for _ in range(jobs)]
    begun: list[str] = []
    stop = threading.Event()

    def slot(worker: str) -> None:
        while not stop.is_set():
            job = offered(database, worker)
            if job is not None:
                gathered(database, job)
            with database.read() as session:
                seat = gangs.seated(session, place(worker))
            if seat is not None:
                begun.append(seat.job_id)
            if seat is not None or job is None:
                return

    threads = [threading.Thread(target=slot, args=(f"w{number}",)) for number in range(2 * jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    stop.set()
    assert sorted(begun) == sorted(made * 2)
    assert {rows.job(job).attempt for job in made} == {1}
