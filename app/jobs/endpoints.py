"""Addresses of jobs: submit, look, change, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.answers import IdempotencyKey, IfMatch, tagged
from app.dependencies import PrincipalDep, ReadSession, SettingsDep, WriteSession
from app.documentation import BODY, UNCHANGED, problems
from app.jobs import following, service, steering
from app.jobs.schemas import JobCreate, JobQuery, JobRead, JobUpdate
from app.jobs.submitting import submit_once
from app.pagination import Page
from app.transactions import TransactionRoute

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=TransactionRoute)


@router.post(
    "", status_code=202, response_model=JobRead, responses=problems(*BODY), summary="Submit a training job"
)
def create_job(
    body: JobCreate,
    session: WriteSession,
    principal: PrincipalDep,
    settings: SettingsDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue the training of a network on a dataset. `resolved` tells every default that was filled in."""
    answer = submit_once(
        session, principal.owner, body, idempotency_key, max_parameters=settings.max_parameters
    )
    return JSONResponse(answer.body, answer.status, answer.headers)


@router.get("", responses=problems(400), summary="List jobs")
def list_jobs(
    query: Annotated[JobQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> Page[JobRead]:
    """All jobs, the newest first."""
    return service.page(
        session, principal.owner, query, kind=query.kind, states=query.state, model=query.model
    )


@router.get("/{job_id}", response_model=JobRead, responses=problems(404) | UNCHANGED, summary="Show a job")
def get_job(job_id: str, session: ReadSession, principal: PrincipalDep, request: Request) -> Response:
    """State, phase, progress, place in the queue, and why it failed if it did."""
    return tagged(request, service.read(session, principal.owner, job_id))


@router.patch(
    "/{job_id}", response_model=JobRead, responses=problems(*BODY, 404, 412), summary="Change a job"
)
def update_job(
    *,
    job_id: str,
    body: JobUpdate,
    session: WriteSession,
    principal: PrincipalDep,
    request: Request,
    if_match: IfMatch = None,
) -> Response:
    """Change its priority, tags or notes; fields that are left out stay."""
    return tagged(request, service.update(session, principal.owner, job_id, body, if_match))


@router.delete("/{job_id}", status_code=204, responses=problems(404, 409), summary="Delete a job")
def delete_job(job_id: str, session: WriteSession, principal: PrincipalDep) -> None:
    """Delete a job that has ended. The version that it published stays."""
    service.delete(session, principal.owner, job_id)


router.include_router(steering.router)
router.include_router(following.router)
