"""The addresses under ``/workers``."""

from fastapi import APIRouter

from app.dependencies import ReadSession, WriteSession
from app.documentation import problems
from app.pagination import Page
from app.transactions import TransactionRoute
from app.workers import service
from app.workers.schemas import WorkerRead

router = APIRouter(prefix="/workers", tags=["workers"], route_class=TransactionRoute)


@router.get("", responses=problems(), summary="List workers")
def list_workers(session: ReadSession) -> Page[WorkerRead]:
    """All workers of this database, with the jobs that they run."""
    return Page(items=service.listed(session))


@router.post("/{worker_id}/drain", status_code=202, responses=problems(404, 409), summary="Drain a worker")
def drain_worker(worker_id: str, session: WriteSession) -> WorkerRead:
    """Have it hand its jobs back, with checkpoints, and take no more until it is started again."""
    return service.drain(session, worker_id)
