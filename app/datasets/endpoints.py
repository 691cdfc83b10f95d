"""Addresses of datasets: create, upload, look, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.answers import tagged
from app.datasets import adding, charts, preview, service, uploading
from app.datasets.schemas import DatasetCreate, DatasetRead, PreviewQuery, PreviewRead, VersionRead
from app.dependencies import PrincipalDep, ReadSession, StoreDep, WriteSession
from app.documentation import BODY, UNCHANGED, problems
from app.fields import Number
from app.pagination import Page, PageQuery
from app.transactions import TransactionRoute

router = APIRouter(prefix="/datasets", tags=["datasets"], route_class=TransactionRoute)


@router.post(
    "",
    status_code=201,
    responses=problems(*BODY, 409)
    | {202: {"model": DatasetRead, "description": "A built-in is being read."}},
    summary="Create a dataset",
)
def create_dataset(
    body: DatasetCreate, session: WriteSession, principal: PrincipalDep, response: Response
) -> DatasetRead:
    """Create a dataset to upload to, or with `builtin` one that reads a built-in dataset at once."""
    dataset = adding.create(session, principal.owner, body)
    created = service.described(session, [dataset])[0]
    if created.latest is not None:
        response.status_code = 202
    response.headers["Location"] = (created.latest or created).links["self"]
    return created


@router.get("", responses=problems(400), summary="List datasets")
def list_datasets(
    query: Annotated[PageQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> Page[DatasetRead]:
    """All datasets by name, each with its latest version."""
    return service.page(session, principal.owner, query)


@router.get(
    "/{name}", response_model=DatasetRead, responses=problems(404) | UNCHANGED, summary="Show a dataset"
)
def get_dataset(name: str, session: ReadSession, principal: PrincipalDep, request: Request) -> Response:
    """A dataset and its latest version."""
    dataset = service.get(session, principal.owner, name)
    return tagged(request, service.described(session, [dataset])[0])


@router.delete("/{name}", status_code=204, responses=problems(404, 409), summary="Delete a dataset")
def delete_dataset(name: str, session: WriteSession, principal: PrincipalDep) -> None:
    """Delete a dataset and its versions, unless a job or a model version uses one of them."""
    service.delete(session, principal.owner, name)


router.include_router(uploading.router)


@router.get("/{name}/versions", responses=problems(400, 404), summary="List versions of a dataset")
def list_versions(
    name: str, query: Annotated[PageQuery, Query()], session: ReadSession, principal: PrincipalDep
) -> Page[VersionRead]:
    """All versions, the newest first."""
    return service.page_versions(session, principal.owner, name, query)


@router.get(
    "/{name}/versions/{number}",
    response_model=VersionRead,
    responses=problems(404) | UNCHANGED,
    summary="Show a version of a dataset",
)
def get_version(
    name: str, number: Number, session: ReadSession, principal: PrincipalDep, request: Request
) -> Response:
    """State, schema, profile, split, digest and warnings of one version."""
    version = service.get_version(session, principal.owner, name, number)
    return tagged(request, service.described_versions(session, [version])[0])


@router.delete(
    "/{name}/versions/{number}",
    status_code=204,
    responses=problems(404, 409),
    summary="Delete a version of a dataset",
)
def delete_version(name: str, number: Number, session: WriteSession, principal: PrincipalDep) -> None:
    """Delete one version, unless a job or a model version uses it."""
    service.delete_version(session, principal.owner, name, number)


@router.get(
    "/{name}/versions/{number}/preview",
    response_model=PreviewRead,
    responses=problems(404, 409) | {200: {"content": {"image/png": {}}}},
    summary="Look into a version of a dataset",
)
def get_preview(
    *,
    name: str,
    number: Number,
    query: Annotated[PreviewQuery, Query()],
    session: ReadSession,
    principal: PrincipalDep,
    store: StoreDep,
    request: Request,
) -> Response | PreviewRead:
    """Some rows as numbers, or with `Accept: image/png` as a picture, of kinds that can be drawn."""
    version = service.get_version(session, principal.owner, name, number)
    if "image/" in request.headers.get("accept", "") and preview.has_picture(version):
        return Response(preview.picture(version, store, query.offset, query.limit), media_type="image/png")
    return preview.rows(version, store, query.offset, query.limit)


@router.get(
    "/{name}/versions/{number}/profile",
    responses=problems(404, 409) | {200: {"content": {"image/png": {}}}},
    response_model=dict[str, Any],
    summary="What a version's data is like",
)
def get_profile(
    name: str, number: Number, session: ReadSession, principal: PrincipalDep, request: Request
) -> Response | dict[str, Any]:
    """Counts, ranges, histograms and lengths; with `Accept: image/png` as a picture."""
    profile = service.profile(service.get_version(session, principal.owner, name, number))
    if "image/" in request.headers.get("accept", ""):
        return Response(charts.chart(profile), media_type="image/png")
    return profile
