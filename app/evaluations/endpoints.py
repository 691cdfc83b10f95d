"""Addresses of evaluations: examine a version on a dataset, look at what was found."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.answers import IdempotencyKey, tagged
from app.dependencies import PrincipalDep, ReadSession, StoreDep, WriteSession
from app.documentation import BODY, UNCHANGED, problems
from app.evaluations import service
from app.evaluations.schemas import EvaluationCreate, EvaluationRead, EvaluationSummary
from app.fields import Number
from app.jobs.schemas import JobRead
from app.jobs.submitting import once
from app.pagination import Page, PageQuery
from app.transactions import TransactionRoute

router = APIRouter(
    prefix="/models/{name}/versions/{number}/evaluations", tags=["models"], route_class=TransactionRoute
)


@router.post(
    "",
    status_code=202,
    response_model=JobRead,
    responses=problems(*BODY, 404),
    summary="Evaluate a version on a dataset",
)
def create_evaluation(
    *,
    name: str,
    number: Number,
    body: EvaluationCreate,
    session: WriteSession,
    principal: PrincipalDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue a job that examines the version on the dataset's test rows, as training does with its own.

    Columns, classes and targets are matched by their names.
    """
    submit = partial(service.submit, session, principal.owner, name, number, body)
    address = f"POST /api/v1/models/{name}/versions/{number}/evaluations"
    answer = once(session, principal.owner, body, idempotency_key, address=address, submit=submit)
    return JSONResponse(answer.body, answer.status, answer.headers)


@router.get("", responses=problems(400, 404), summary="List evaluations of a version")
def list_evaluations(
    name: str,
    number: Number,
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
    principal: PrincipalDep,
) -> Page[EvaluationSummary]:
    """All evaluations, the newest first, with their main figures."""
    return service.page(session, principal.owner, name, number, query)


@router.get(
    "/{job_id}",
    response_model=EvaluationRead,
    responses=problems(404, 503) | UNCHANGED,
    summary="Show an evaluation",
)
def get_evaluation(
    *,
    name: str,
    number: Number,
    job_id: str,
    session: ReadSession,
    principal: PrincipalDep,
    store: StoreDep,
    request: Request,
) -> Response:
    """Its state, its report, and the files that it left."""
    return tagged(request, service.read(session, principal.owner, name, number, job_id, store=store))
