"""Queries about jobs and what they reported."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, selectinload

from app.tables import Event, Job, MetricPoint

Cursors = dict[str, int]
# Slot and priority: within them the oldest goes first.
_Rank = tuple[str, int]


def find(session: Session, owner: str, job_id: str, *, lock: bool = False) -> Job | None:
    """Return the job, if it exists and is ``owner``'s; ``lock`` keeps others from writing it meanwhile."""
    query = select(Job).where(Job.id == job_id, Job.owner == owner, Job.deleted_at.is_(None))
    return session.scalar(query.with_for_update() if lock else query)


def page(
    session: Session,
    owner: str,
    *,
    kind: str | None,
    states: Collection[str],
    model: str | None,
    before: str | None,
    limit: int,
) -> Sequence[Job]:
    """Return jobs, the newest first, from the one after ``before`` on."""
    query = select(Job).where(Job.owner == owner, Job.deleted_at.is_(None))
    if kind is not None:
        query = query.where(Job.kind == kind)
    if states:
        query = query.where(Job.state.in_(states))
    if model is not None:
        query = query.where(Job.model == model)
    if before is not None:
        query = query.where(Job.id < before)
    related = (selectinload(Job.dataset_version), selectinload(Job.model_version))
    return session.scalars(query.options(*related).order_by(Job.id.desc()).limit(limit)).all()


def queue_positions(session: Session, job_ids: Collection[str]) -> dict[str, int]:
    """Return the place in the queue, 1 for the next one, of those of the jobs that are queued."""
    columns = select(Job.slot, Job.priority, Job.id).where(Job.id.in_(job_ids), Job.state == "queued")
    asked: dict[_Rank, list[str]] = defaultdict(list)
    for slot, priority, job_id in session.execute(columns.order_by(Job.id)):
        asked[slot, priority].append(job_id)
    if not asked:
        return {}
    ahead = _ahead(session, {rank: ids[0] for rank, ids in asked.items()})
    # What is asked for together was mostly submitted together: little lies in between.
    between = or_(
        *(and_(_queued(rank), Job.id >= ids[0], Job.id <= ids[-1]) for rank, ids in asked.items()),
    )
    places = {}
    for slot, priority, job_id in session.execute(
        select(Job.slot, Job.priority, Job.id).where(between).order_by(Job.id)
    ):
        ahead[slot, priority] += 1
        places[job_id] = ahead[slot, priority]
    # On PostgreSQL each statement sees what is committed by then: a job may have been claimed in between.
    return {job_id: places[job_id] for ids in asked.values() for job_id in ids if job_id in places}


def _ahead(session: Session, firsts: Mapping[_Rank, str]) -> dict[_Rank, int]:
    """Return how many jobs are ahead of the first one that is asked for of each rank."""
    slots = {slot for slot, _ in firsts}
    lengths = session.execute(
        select(Job.slot, Job.priority, func.count())
        .where(Job.slot.in_(slots), Job.state == "queued")
        .group_by(Job.slot, Job.priority)
    ).all()
    older = session.execute(
        union_all(
            *(
                select(literal(slot), literal(priority), func.count()).where(
                    _queued((slot, priority)), Job.id < first
                )
                for (slot, priority), first in firsts.items()
            )
        )
    )
    return {
        (slot, priority): count
        + sum(more for of, higher, more in lengths if of == slot and higher > priority)
        for slot, priority, count in older
    }


def _queued(rank: _Rank) -> ColumnElement[bool]:
    slot, priority = rank
    return and_(Job.slot == slot, Job.state == "queued", Job.priority == priority)


def events(session: Session, job_id: str, *, after: int, limit: int) -> Sequence[Event]:
    """Return a job's events after ``after``, the oldest first."""
    query = select(Event).where(Event.job_id == job_id, Event.id > after)
    return session.scalars(query.order_by(Event.id).limit(limit)).all()


def logs(
    session: Session, job_id: str, *, after: int, limit: int, levels: Collection[str]
) -> Sequence[Event]:
    """Return a job's log events of these levels after ``after``, the oldest first."""
    query = select(Event).where(Event.job_id == job_id, Event.id > after, Event.type == "log")
    query = query.where(Event.data["level"].as_string().in_(levels))
    return session.scalars(query.order_by(Event.id).limit(limit)).all()


def last_event_id(session: Session, job_id: str) -> int:
    """Return the id of a job's last event, 0 if it has none."""
    return session.scalar(select(func.max(Event.id)).where(Event.job_id == job_id)) or 0


def events_after(session: Session, cursors: Cursors, limit: int) -> Sequence[Event]:
    """Return the oldest events of several jobs, of each those after its cursor."""
    newer = [and_(Event.job_id == job_id, Event.id > after) for job_id, after in cursors.items()]
    return session.scalars(select(Event).where(or_(*newer)).order_by(Event.id).limit(limit)).all()


def metric_points(session: Session, job_id: str, keys: Collection[str]) -> Sequence[MetricPoint]:
    """Return the points of all series, or of those in ``keys``, by series and step."""
    query = select(MetricPoint).where(MetricPoint.job_id == job_id)
    if keys:
        query = query.where(MetricPoint.key.in_(keys))
    return session.scalars(query.order_by(MetricPoint.key, MetricPoint.step)).all()
