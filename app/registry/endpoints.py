"""Addresses of models and their versions: look, download, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.answers import tagged
from app.dependencies import PrincipalDep, ReadSession, StoreDep, WriteSession
from app.documentation import PART, UNCHANGED, problems
from app.downloads import download
from app.fields import Number
from app.pagination import Page, PageQuery
from app.registry import alias_endpoints, artifacts, service
from app.registry.schemas import ArtifactList, ModelRead, VersionRead, VersionSummary
from app.transactions import TransactionRoute

router = APIRouter(prefix="/models", tags=["models"], route_class=TransactionRoute)


@router.get("", responses=problems(400), summary="List models")
def list_models(
    query: Annotated[PageQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> Page[ModelRead]:
    """All models by name, each with its latest version and its aliases."""
    return service.page(session, principal.owner, query)


@router.get("/{name}", response_model=ModelRead, responses=problems(404) | UNCHANGED, summary="Show a model")
def get_model(name: str, session: ReadSession, principal: PrincipalDep, request: Request) -> Response:
    """A model, its latest version, and where its aliases point."""
    return tagged(request, service.read(session, principal.owner, name))


@router.delete("/{name}", status_code=204, responses=problems(404, 409), summary="Delete a model")
def delete_model(name: str, session: WriteSession, principal: PrincipalDep) -> None:
    """Delete a model and its versions; refused while an alias points at one, or a job evaluates it."""
    service.delete(session, principal.owner, name)


@router.get("/{name}/versions", responses=problems(400, 404), summary="List versions of a model")
def list_versions(
    name: str, query: Annotated[PageQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> Page[VersionSummary]:
    """All versions, the newest first, with their main figures."""
    return service.page_versions(session, principal.owner, name, query)


@router.get(
    "/{name}/versions/{number}",
    response_model=VersionRead,
    responses=problems(404, 503) | UNCHANGED,
    summary="Show a version of a model",
)
def get_version(
    *,
    name: str,
    number: Number,
    session: ReadSession,
    principal: PrincipalDep,
    store: StoreDep,
    request: Request,
) -> Response:
    """Lineage, specs, signature, report, card and files of one version."""
    return tagged(request, service.read_version(session, principal.owner, name, number, store))


@router.delete(
    "/{name}/versions/{number}",
    status_code=204,
    responses=problems(404, 409),
    summary="Delete a version of a model",
)
def delete_version(name: str, number: Number, session: WriteSession, principal: PrincipalDep) -> None:
    """Delete one version; refused while an alias points at it, or a job evaluates it."""
    service.delete_version(session, principal.owner, name, number)


@router.get(
    "/{name}/versions/{number}/report", responses=problems(404, 503), summary="Read a version's report"
)
def get_report(
    name: str, number: Number, session: ReadSession, principal: PrincipalDep, store: StoreDep
) -> dict[str, Any]:
    """The evaluation on the test rows. Its pictures are among the artifacts."""
    version = service.get_version(session, principal.owner, name, number)
    return artifacts.report(version, store)


@router.get(
    "/{name}/versions/{number}/artifacts", responses=problems(404), summary="List the files of a version"
)
def list_artifacts(name: str, number: Number, session: ReadSession, principal: PrincipalDep) -> ArtifactList:
    """All files with their digests."""
    version = service.get_version(session, principal.owner, name, number)
    return artifacts.listed(version, f"/api/v1/models/{name}/versions/{number}/artifacts")


@router.get(
    "/{name}/versions/{number}/artifacts/{path:path}",
    response_class=Response,
    responses=problems(404, 416, 503)
    | UNCHANGED
    | PART
    | {200: {"content": {"application/octet-stream": {}}}},
    summary="Download a file of a version",
)
def get_artifact(
    *,
    name: str,
    number: Number,
    path: str,
    session: ReadSession,
    principal: PrincipalDep,
    store: StoreDep,
    request: Request,
) -> Response:
    """The file itself; one range of it, if asked for."""
    version = service.get_version(session, principal.owner, name, number)
    return download(request, artifacts.stored(version, path, store))


router.include_router(alias_endpoints.router)
