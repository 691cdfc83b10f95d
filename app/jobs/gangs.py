"""Gangs: several slots, of any workers, that train one job together, claimed together or not at all.

A slot that finds such a job to be the best *offers* itself: it keeps a seat for a few seconds, and its worker
the devices. Whoever sees that enough have offered themselves seats them all in one transaction, with the
attempt of the job. All slots go by the same order of jobs, so that they come together at the best one; a new
offer replaces the old one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.jobs.claiming import FIRST_PHASE, Reach, best
from app.jobs.events import append_beginning, timed
from app.jobs.leasing import era, moment
from app.jobs.states import HELD
from app.tables import Job, Seat
from app.tables.base import now

# A slot that offers itself looks again before.
OFFER_SECONDS = 10.0


class Place(NamedTuple):
    """A slot of a worker, and where the others reach what it runs."""

    worker: str
    slot: int
    address: str


class Wanted(NamedTuple):
    """A job for several slots, and how many devices it needs of each."""

    job: str
    devices: int


def offer(session: Session, sort: str, place: Place, reach: Reach) -> Wanted | None:
    """Offer a slot to the best job; None if that is one for one slot, or wants more devices than are free.

    A seat that the slot has in a gang already stays.
    """
    given = {"of_sort": sort, "most": reach.most, "in_all": reach.in_all}
    query = select(Job.id, Job.devices).where(
        Job.id == best(session).scalar_subquery(), Job.slots > 1, Job.devices <= reach.free
    )
    found = session.execute(query, given).one_or_none()
    if found is None:
        withdraw(session, place)
        return None
    seat = {"job_id": found.id, "era": era(session), "heard_until": moment(session) + OFFER_SECONDS}
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(Seat).values(**place._asdict(), **seat)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["worker", "slot"],
            set_=seat | {"address": place.address},
            where=Seat.attempt.is_(None),
        )
    )
    return Wanted(found.id, found.devices)


def withdraw(session: Session, place: Place) -> bool:
    """Take an offer back; a seat of a gang that is whole stays. Return whether there was an offer."""
    result = session.execute(delete(Seat).where(_own(place), Seat.attempt.is_(None)))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def gather(session: Session, job_id: str, lease: float) -> bool:
    """Begin an attempt of a job if enough slots offer themselves; return whether it was begun."""
    query = select(Job).where(Job.id == job_id, Job.state == "queued")
    job = session.scalar(query.with_for_update(of=Job, skip_locked=True))
    if job is None:
        return False
    offers = select(Seat).where(Seat.job_id == job_id, Seat.attempt.is_(None), ~_lapsed(session))
    seats = session.scalars(offers.order_by(Seat.worker, Seat.slot).limit(job.slots).with_for_update()).all()
    if len(seats) < job.slots:
        return False
    until = session.scalar(select(moment(session) + lease)) or 0.0
    job.state, job.attempt, job.worker = "running", job.attempt + 1, seats[0].worker
    job.era, job.lease_until, job.not_before, job.child_gone_at = era(session), until, None, None
    job.started_at, job.revision = now(), job.revision + 1
    job.phase, job.phases = FIRST_PHASE, [*job.phases, timed(FIRST_PHASE)]
    for rank, seat in enumerate(seats):
        seat.attempt, seat.rank, seat.heard_until = job.attempt, rank, until
    append_beginning(session, job)
    ring_after_commit(session, job.slot)
    return True


def seated(session: Session, place: Place) -> Seat | None:
    """Return the seat of a slot in a gang that is whole, if it has one."""
    return session.scalar(select(Seat).where(_own(place), Seat.attempt.is_not(None)))


def addresses(session: Session, job_id: str, attempt: int) -> Sequence[str]:
    """Return where the members of an attempt are reached, by rank."""
    query = select(Seat.address).where(Seat.job_id == job_id, Seat.attempt == attempt)
    return session.scalars(query.order_by(Seat.rank)).all()


def renew(session: Session, place: Place, attempt: int, seconds: float) -> bool:
    """Keep a seat for ``seconds`` from now on; False if it is no more."""
    result = session.execute(
        update(Seat)
        .where(_own(place), Seat.attempt == attempt)
        .values(era=era(session), heard_until=moment(session) + seconds)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def leave(session: Session, place: Place) -> None:
    """Give up a seat, or an offer: its child is gone."""
    session.execute(delete(Seat).where(_own(place)))


def others(session: Session, job_id: str, attempt: int) -> bool:
    """Return whether other members than the chief still run, of those that are heard of."""
    there = select(Seat.slot).where(
        Seat.job_id == job_id, Seat.attempt == attempt, Seat.rank > 0, ~_lapsed(session)
    )
    return session.scalar(there.limit(1)) is not None


def broken(session: Session) -> ColumnElement[bool]:
    """Return the condition that a job is held by a gang of which a member is not heard of any more."""
    return and_(Job.state.in_(HELD), exists().where(_of_attempt(), Seat.rank > 0, _lapsed(session)))


def sat(worker: str) -> ColumnElement[bool]:
    """Return the condition that a job is held by a gang of which this worker is a member."""
    return and_(Job.state.in_(HELD), exists().where(_of_attempt(), Seat.worker == worker))


def forget(session: Session, worker: str | None = None) -> None:
    """Remove seats of attempts that are over and of workers that are gone, and all of ``worker``."""
    over = ~exists().where(_of_attempt(), Job.state.in_(HELD)).correlate(Seat)
    gone = and_(_lapsed(session), or_(Seat.attempt.is_(None), over))
    session.execute(delete(Seat).where(gone if worker is None else or_(gone, Seat.worker == worker)))


def _own(place: Place) -> ColumnElement[bool]:
    return and_(Seat.worker == place.worker, Seat.slot == place.slot)


def _of_attempt() -> ColumnElement[bool]:
    return and_(Seat.job_id == Job.id, Seat.attempt == Job.attempt)


def _lapsed(session: Session) -> ColumnElement[bool]:
    return or_(Seat.era != era(session), Seat.heard_until < moment(session))
