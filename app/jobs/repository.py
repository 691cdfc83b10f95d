"""Queries about jobs and what they reported."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from app.tables import DatasetVersion, Event, Job, MetricPoint, ModelVersion

Cursors = dict[str, int]


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
    query = select(Job.id).where(Job.owner == owner, Job.deleted_at.is_(None))
    if kind is not None:
        query = query.where(Job.kind == kind)
    if states:
        query = query.where(Job.state.in_(states))
    if model is not None:
        query = query.where(Job.model == model)
    if before is not None:
        query = query.where(Job.id < before)
    # What else versions hold may be large, and is not told of a job.
    related = (
        selectinload(Job.dataset_version).load_only(DatasetVersion.number, DatasetVersion.deleted_at),
        selectinload(Job.model_version).load_only(ModelVersion.number, ModelVersion.deleted_at),
    )
    # Where PostgreSQL has not counted yet what was just submitted, it sorts all jobs: as ids, not as rows.
    ids = query.order_by(Job.id.desc()).limit(limit).subquery()
    rows = select(Job).where(Job.id.in_(select(ids.c.id))).options(*related).order_by(Job.id.desc())
    return session.scalars(rows).all()


def queue_positions(session: Session, jobs: Collection[Job]) -> dict[str, int]:
    """Return the place in the queue, 1 for the next one, of those of the jobs that are queued."""
    if len(jobs) == 1:
        return _place(session, next(iter(jobs)).id)
    asked: dict[str, list[str]] = defaultdict(list)
    for job in jobs:
        asked[job.slot].append(job.id)
    # A statement for each sort of slot goes along the queue's index; one for all would have to sort.
    return {
        job_id: place for slot, ids in asked.items() for job_id, place in _places(session, slot, ids).items()
    }


def _places(session: Session, slot: str, job_ids: Collection[str]) -> dict[str, int]:
    """Return the places of several jobs of one sort of slot: the queue is gone through once."""
    place = func.row_number().over(order_by=(Job.priority.desc(), Job.id))
    queue = select(Job.id, place.label("place")).where(Job.slot == slot, Job.state == "queued").subquery()
    asked = select(queue.c.id, queue.c.place).where(queue.c.id.in_(job_ids))
    return dict(session.execute(asked).all())


def _place(session: Session, job_id: str) -> dict[str, int]:
    """Return the place of one job: those before it are only counted, which is quicker than numbering them."""
    before = aliased(Job)
    is_before = or_(
        before.priority > Job.priority, and_(before.priority == Job.priority, before.id <= Job.id)
    )
    count = (
        select(func.count())
        .select_from(Job)
        .join(before, and_(before.slot == Job.slot, before.state == "queued", is_before))
        .where(Job.id == job_id, Job.state == "queued")
    )
    # A queued job is counted itself; none is counted before one that is not.
    place = session.scalar(count)
    return {job_id: place} if place else {}


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
