"""Addresses for following a job: its events, curves, log and files."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.dependencies import PrincipalDep, ReadSession, StoreDep
from app.documentation import PART, UNCHANGED, problems
from app.downloads import download
from app.jobs import curves, repository, service
from app.jobs.schemas import After, EventList, EventQuery, LogList, LogQuery, MetricsQuery, MetricsRead
from app.jobs.states import TERMINAL
from app.jobs.stream import Broadcaster
from app.registry import artifacts
from app.registry.schemas import ArtifactList
from app.tables import Job
from app.transactions import TransactionRoute

router = APIRouter(route_class=TransactionRoute)

STREAM_TYPE = "text/event-stream"
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


# A coroutine, so that two requests never make one each: it runs on the event loop, without a pause.
async def _broadcaster(request: Request) -> Broadcaster:
    state = request.app.state
    if not hasattr(state, "broadcaster"):
        state.broadcaster = Broadcaster(state.database)
    broadcaster: Broadcaster = state.broadcaster
    return broadcaster


@router.get(
    "/{job_id}/events",
    response_model=EventList,
    responses=problems(404, 503)
    | {
        200: {"content": {STREAM_TYPE: {"schema": {"type": "string"}}}},
        204: {"description": "As a stream: the job has ended and there is nothing more to send."},
    },
    summary="Follow a job's events",
)
def list_events(
    *,
    job_id: str,
    query: Annotated[EventQuery, Query()],
    session: ReadSession,
    principal: PrincipalDep,
    request: Request,
    broadcaster: Annotated[Broadcaster, Depends(_broadcaster)],
    last_event_id: Annotated[After | None, Header(description="As browsers send it.")] = None,
) -> Response | EventList:
    """A list, or with `Accept: text/event-stream` a stream that goes on until the job has ended."""
    if STREAM_TYPE in request.headers.get("accept", ""):
        after = query.after if last_event_id is None else last_event_id
        return _stream(session, service.get(session, principal.owner, job_id), after, broadcaster)
    return service.events(session, principal.owner, job_id, after=query.after, limit=query.limit)


def _stream(session: Session, job: Job, after: int, broadcaster: Broadcaster) -> Response:
    until = repository.last_event_id(session, job.id) if job.state in TERMINAL else None
    if until is not None and until <= after:
        # To a browser's EventSource this says: do not connect again.
        return Response(status_code=204)
    broadcaster.admit()
    return StreamingResponse(
        broadcaster.follow(job.id, after, until), media_type=STREAM_TYPE, headers=STREAM_HEADERS
    )


@router.get("/{job_id}/metrics", responses=problems(404), summary="Read a job's curves")
def read_metrics(
    job_id: str, query: Annotated[MetricsQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> MetricsRead:
    """One series per figure, such as `loss` and `val_accuracy`, with a point for each epoch."""
    job = service.get(session, principal.owner, job_id)
    return curves.read(session, job.id, query.keys, query.max_points)


@router.get("/{job_id}/logs", responses=problems(404), summary="Read a job's log")
def read_logs(
    job_id: str, query: Annotated[LogQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> LogList:
    """Lines in order; ask again with `after` for those that came since."""
    return service.logs(
        session, principal.owner, job_id, after=query.after, limit=query.limit, level=query.level
    )


@router.get("/{job_id}/artifacts", responses=problems(404), summary="List the files a job published")
def list_artifacts(job_id: str, session: ReadSession, principal: PrincipalDep) -> ArtifactList:
    """Files of the version that it published, or the report of an evaluation; none before that."""
    job = service.get(session, principal.owner, job_id)
    return artifacts.listed(artifacts.left_by(job), f"/api/v1/jobs/{job.id}/artifacts")


@router.get(
    "/{job_id}/artifacts/{path:path}",
    response_class=Response,
    responses=problems(404, 416, 503)
    | UNCHANGED
    | PART
    | {200: {"content": {"application/octet-stream": {}}}},
    summary="Download a file that a job published",
)
def get_artifact(
    *,
    job_id: str,
    path: str,
    session: ReadSession,
    principal: PrincipalDep,
    store: StoreDep,
    request: Request,
) -> Response:
    """The file itself; one range of it, if asked for."""
    job = service.get(session, principal.owner, job_id)
    return download(request, artifacts.stored(artifacts.left_by(job), path, store))
