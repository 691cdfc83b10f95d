"""Addresses that steer a job: stop, pause, resume, retry, cancel, clone."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from app.answers import IdempotencyKey
from app.dependencies import PrincipalDep, SettingsDep, WriteSession
from app.documentation import BODY, problems
from app.jobs import cloning, service, verbs
from app.jobs.schemas import JobCreate, JobRead
from app.jobs.submitting import submit_once
from app.transactions import TransactionRoute

router = APIRouter(route_class=TransactionRoute)

Edits = Annotated[
    dict[str, Any] | None,
    Body(
        description="Fields that shall differ; objects are merged into those of the job, null removes.",
        examples=[{"training": {"epochs": 20}}],
    ),
]


@router.post("/{job_id}/stop", status_code=202, responses=problems(404, 409), summary="Finish a job early")
def stop_job(job_id: str, session: WriteSession, principal: PrincipalDep) -> JobRead:
    """Train no further: what was learned so far is evaluated and published."""
    return verbs.stop(session, principal.owner, job_id)


@router.post("/{job_id}/pause", status_code=202, responses=problems(404, 409), summary="Pause a job")
def pause_job(job_id: str, session: WriteSession, principal: PrincipalDep) -> JobRead:
    """Free its slot, with a checkpoint; one that is queued waits until it is resumed."""
    return verbs.pause(session, principal.owner, job_id)


@router.post("/{job_id}/resume", status_code=202, responses=problems(404, 409), summary="Resume a job")
def resume_job(job_id: str, session: WriteSession, principal: PrincipalDep, settings: SettingsDep) -> JobRead:
    """Queue a paused job again; it goes on from its checkpoint."""
    return verbs.resume(session, principal.owner, job_id, max_parameters=settings.max_parameters)


@router.post("/{job_id}/retry", status_code=202, responses=problems(404, 409), summary="Retry a failed job")
def retry_job(job_id: str, session: WriteSession, principal: PrincipalDep) -> JobRead:
    """Queue a failed job again; it goes on from its last checkpoint, if it has one."""
    return verbs.retry(session, principal.owner, job_id)


@router.post("/{job_id}/cancel", status_code=202, responses=problems(404, 409), summary="Cancel a job")
def cancel_job(job_id: str, session: WriteSession, principal: PrincipalDep) -> JobRead:
    """End a job and keep nothing of it: one that is queued at once, one that runs within seconds.

    `child_gone_at` is the receipt: when the process that ran it was seen dead.
    """
    return verbs.cancel(session, principal.owner, job_id)


@router.post(
    "/{job_id}/clone",
    status_code=202,
    response_model=JobRead,
    responses=problems(*BODY, 404, 409),
    summary="Submit a job like this one",
)
def clone_job(
    *,
    job_id: str,
    edits: Edits = None,
    session: WriteSession,
    principal: PrincipalDep,
    settings: SettingsDep,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """A new job on the same version of the dataset, with the same specs but for what is sent."""
    job = service.get(session, principal.owner, job_id)
    verbs.require(job, "clone")
    merged = cloning.merged(job, edits or {})
    try:
        body = JobCreate.model_validate(merged)
    except ValidationError as error:
        located = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(located, body=merged) from None
    answer = submit_once(
        session,
        principal.owner,
        body,
        idempotency_key,
        max_parameters=settings.max_parameters,
        cloned_from=job.id,
    )
    return JSONResponse(answer.body, answer.status, answer.headers)
