"""What can be done with jobs once they exist: look, change, delete."""

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from app.conditional import entity_tag, require_match
from app.errors import Conflict, NotFound
from app.fields import original
from app.jobs import repository
from app.jobs.schemas import LEVELS, EventList, EventRead, JobRead, JobUpdate, Level, LogList, LogRead
from app.jobs.states import TERMINAL, possible
from app.pagination import Page, PageQuery, cut, decode_cursor
from app.tables import Job
from app.tables.base import now


def get(session: Session, owner: str, job_id: str, *, lock: bool = False) -> Job:
    """Return the job; raises NotFound for an unknown one and for somebody else's."""
    job = repository.find(session, owner, job_id, lock=lock)
    if job is None:
        raise NotFound("There is no such job. GET /api/v1/jobs lists them.")
    return job


def read(session: Session, owner: str, job_id: str) -> JobRead:
    """Return what is told of one job."""
    return described(session, [get(session, owner, job_id)])[0]


def page(
    session: Session,
    owner: str,
    query: PageQuery,
    *,
    kind: str | None = None,
    states: Collection[str] = (),
    model: str | None = None,
) -> Page[JobRead]:
    """Return one page of jobs, the newest first."""
    listing = f"jobs {kind} {sorted(states)} {model}"
    before = decode_cursor(listing, query.cursor) if query.cursor else None
    rows = repository.page(
        session,
        owner,
        kind=kind,
        states=states,
        model=model,
        before=None if before is None else str(before),
        limit=query.limit + 1,
    )
    shown, cursor = cut(rows, query.limit, listing, lambda job: job.id)
    return Page(items=described(session, shown), next_cursor=cursor)


def update(session: Session, owner: str, job_id: str, body: JobUpdate, if_match: str | None) -> JobRead:
    """Change what was sent, and nothing else."""
    job = get(session, owner, job_id, lock=True)
    require_match(if_match, entity_tag(described(session, [job])[0]))
    for name in body.model_fields_set:
        setattr(job, name, getattr(body, name))
    job.revision += 1
    session.flush()
    return described(session, [job])[0]


def events(session: Session, owner: str, job_id: str, *, after: int, limit: int) -> EventList:
    """Return the events of a job after ``after``, the oldest first."""
    rows = repository.events(session, get(session, owner, job_id).id, after=after, limit=limit)
    items = [EventRead.model_validate(row, from_attributes=True) for row in rows]
    return EventList(items=items, last_id=items[-1].id if items else after)


def logs(session: Session, owner: str, job_id: str, *, after: int, limit: int, level: Level) -> LogList:
    """Return the log of a job after the event ``after``: lines of ``level`` and of those more severe."""
    levels = LEVELS[LEVELS.index(level) :]
    rows = repository.logs(session, get(session, owner, job_id).id, after=after, limit=limit, levels=levels)
    items = [LogRead(id=row.id, at=row.at, **row.data) for row in rows]
    return LogList(items=items, last_id=items[-1].id if items else after)


def delete(session: Session, owner: str, job_id: str) -> None:
    """Delete a job that has ended; a version it published stays, and still names it."""
    job = get(session, owner, job_id, lock=True)
    if job.state not in TERMINAL:
        raise Conflict(
            f"The job is {job.state}. Cancel it, wait until it has ended, then delete it.",
            extra={"current_state": job.state},
        )
    job.deleted_at = now()


def described(session: Session, jobs: Sequence[Job]) -> list[JobRead]:
    """Return what is told of each job."""
    queued = [job for job in jobs if job.state == "queued"]
    places = repository.queue_positions(session, queued) if queued else {}
    return [_described(job, places.get(job.id)) for job in jobs]


def _described(job: Job, queue_position: int | None) -> JobRead:
    dataset, version = job.dataset_version, job.model_version
    return JobRead.model_validate(
        {column.key: getattr(job, column.key) for column in Job.__mapper__.columns}
        | {
            "queue_position": queue_position,
            "dataset": dataset and f"{original(dataset.dataset.name)}@{dataset.number}",
            "version": version and version.number,
            "links": _links(job),
        }
    )


def _links(job: Job) -> dict[str, str]:
    own = f"/api/v1/jobs/{job.id}"
    links = {"self": own} | {name: f"{own}/{name}" for name in ("events", "metrics", "logs", "artifacts")}
    links |= {verb: f"{own}/{verb}" for verb in possible(job.kind, job.state)}
    if (dataset := job.dataset_version) and dataset.deleted_at is None:
        links["dataset"] = f"/api/v1/datasets/{dataset.dataset.name}/versions/{dataset.number}"
    if (version := job.model_version) and version.deleted_at is None:
        links["version"] = f"/api/v1/models/{version.model.name}/versions/{version.number}"
        if job.kind == "evaluation":
            links["evaluation"] = f"{links['version']}/evaluations/{job.id}"
    return links
