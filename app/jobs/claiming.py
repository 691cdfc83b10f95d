"""Claiming: how a slot gets the best waiting job, and no other slot gets it too."""

import json
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Double, Select, String, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import ReturningUpdate

from app.jobs.events import append_beginning, timed
from app.jobs.leasing import LEASE_SECONDS, due, era, moment
from app.tables import DatasetVersion, Job
from app.tables.base import now

FIRST_PHASE = "starting"
# To put one together takes longer than to run it; one for each clock.
_STATEMENTS: dict[str, ReturningUpdate[Job]] = {}


class Reach(NamedTuple):
    """How many devices a slot can have for a job, now and at most; how many slots all workers have."""

    free: int = 1
    most: int = 1
    in_all: int = 1


CANDIDATE = aliased(Job)


def claim(
    session: Session,
    slot: str,
    worker: str,
    *,
    reach: Reach = Reach(),  # noqa: B008 - immutable
    lease: float = LEASE_SECONDS,
) -> Job | None:
    """Start an attempt of the best job that waits for slots of this sort; None if none does.

    The best is the one of highest priority, of those the oldest. A training job waits for its dataset to be
    read, a job that was lost until it may be begun again. The caller commits before it acts; after ``lease``
    seconds without a word of it the job is lost.

    A job that needs more devices than the slot can ever have is left to others. One that needs more than are
    free now is not passed by, and nothing is claimed: else smaller ones might keep it waiting for ever. So is
    one for several slots, which are claimed together by :mod:`app.jobs.gangs`, if there are so many.
    """
    name = era(session)
    if name not in _STATEMENTS:
        _STATEMENTS[name] = _statement(session)
    given = {"of_sort": slot, "by": worker, "begun": now(), "seconds": lease, **reach._asdict()}
    job = session.scalar(_STATEMENTS[name], given | {"entry": json.dumps(timed(FIRST_PHASE))})
    if job is not None:
        append_beginning(session, job)
    return job


def best(session: Session) -> Select[str]:
    """Return the query for the best job that waits, with parameters ``of_sort``, ``most`` and ``in_all``."""
    ready = select(DatasetVersion.id).where(DatasetVersion.state == "ready")
    usable = or_(
        CANDIDATE.kind == "reading",
        CANDIDATE.dataset_version_id.is_(None),
        CANDIDATE.dataset_version_id.in_(ready),
    )
    return (
        select(CANDIDATE.id)
        .where(
            CANDIDATE.slot == bindparam("of_sort"),
            CANDIDATE.state == "queued",
            CANDIDATE.devices <= bindparam("most"),
            CANDIDATE.slots <= bindparam("in_all"),
            usable,
            due(session, CANDIDATE),
        )
        .order_by(CANDIDATE.priority.desc(), CANDIDATE.id)
        .limit(1)
    )


def _statement(session: Session) -> ReturningUpdate[Job]:
    return (
        update(Job)
        .where(
            Job.id == best(session).with_for_update(skip_locked=True, of=CANDIDATE).scalar_subquery(),
            Job.state == "queued",
            Job.devices <= bindparam("free"),
            Job.slots == 1,
        )
        .values(
            state="running",
            phase=FIRST_PHASE,
            phases=_one_phase_more(session),
            attempt=Job.attempt + 1,
            worker=bindparam("by"),
            era=era(session),
            lease_until=moment(session) + bindparam("seconds", type_=Double),
            not_before=None,
            child_gone_at=None,
            started_at=bindparam("begun", type_=Job.started_at.type),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _one_phase_more(session: Session) -> ColumnElement[Any]:
    """Return the timed history of phases with the parameter ``entry`` at its end, as SQL."""
    entry = bindparam("entry", type_=String)
    if session.get_bind().dialect.name == "sqlite":
        return func.json_insert(Job.phases, "$[#]", func.json(entry))
    return cast(cast(Job.phases, JSONB).concat(cast(entry, JSONB)), JSON)
