"""What can be done with workers: look, and have one drain."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.jobs.leasing import era, moment
from app.jobs.states import HELD
from app.tables import Job, Seat, Worker
from app.tables.base import now
from app.workers.schemas import WorkerRead


def listed(session: Session) -> list[WorkerRead]:
    """Return all workers, those that were lost within a day too."""
    return _described(session, session.scalars(select(Worker).order_by(Worker.id)).all())


def drain(session: Session, worker_id: str) -> WorkerRead:
    """Have a worker hand its jobs back and take no more until it is started again; again is the same."""
    worker = session.get(Worker, worker_id, with_for_update=True)
    if worker is None:
        raise NotFound("There is no such worker. GET /api/v1/workers lists them.")
    [found] = _described(session, [worker])
    if found.state == "lost":
        raise Conflict(
            "The worker is lost; its jobs are begun elsewhere.", extra={"current_state": found.state}
        )
    worker.drain_requested_at = worker.drain_requested_at or now()
    session.flush()
    return _described(session, [worker])[0]


def _described(session: Session, workers: Sequence[Worker]) -> list[WorkerRead]:
    here = and_(Worker.era == era(session), Worker.heard_until >= moment(session))
    heard = set(session.scalars(select(Worker.id).where(here)))
    jobs: dict[str | None, list[str]] = defaultdict(list)
    running = select(Job.worker, Job.id).where(Job.state.in_(HELD)).order_by(Job.id)
    for worker, job in session.execute(running):
        jobs[worker].append(job)
    together = select(Seat.worker, Seat.job_id).join(Job, Job.id == Seat.job_id)
    of_attempt = and_(Job.state.in_(HELD), Seat.attempt == Job.attempt, Seat.rank > 0)
    for worker, job in session.execute(together.where(of_attempt).order_by(Seat.job_id, Seat.rank)):
        jobs[worker].append(job)
    return [_read(worker, jobs[worker.id], worker.id in heard) for worker in workers]


def _read(worker: Worker, jobs: list[str], is_heard: bool) -> WorkerRead:
    state: Literal["working", "draining", "drained", "lost"] = "working"
    if not is_heard:
        state = "lost"
    elif worker.drain_requested_at is not None:
        state = "draining" if jobs else "drained"
    return WorkerRead(
        id=worker.id,
        state=state,
        host=worker.host,
        process=worker.process,
        slots=worker.slots,
        devices=worker.devices,
        gang=worker.gang,
        jobs=jobs,
        started_at=worker.created_at,
        heard_at=worker.heard_at,
        drain_requested_at=worker.drain_requested_at,
    )
