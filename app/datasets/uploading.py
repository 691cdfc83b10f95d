"""The address that takes new versions: a streamed upload, or JSON that names what is here already."""

import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from app.database import Database
from app.datasets import adding, service, uploads
from app.datasets.schemas import UploadQuery, VersionCreate, VersionRead
from app.dependencies import DatabaseDep, PrincipalDep, SettingsDep, StoreDep
from app.documentation import BODY, problems
from app.edge.headers import is_json, media_type
from app.errors import BadRequest
from app.room import Room
from app.storage import Store
from app.tables import DatasetVersion
from models.schema import Kind

router = APIRouter()

Add = Callable[..., tuple[DatasetVersion, bool]]

JSON_BODY = VersionCreate.model_json_schema(ref_template="#/components/schemas/{model}")
del JSON_BODY["$defs"]
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": JSON_BODY},
        },
    }
}


@router.post(
    "/{name}/versions",
    status_code=202,
    responses=problems(*BODY, 404, 503)
    | {200: {"model": VersionRead, "description": "The same was read before: the version that exists."}},
    openapi_extra=UPLOAD,
    summary="Add a version to a dataset",
)
async def create_version(
    *,
    name: str,
    query: Annotated[UploadQuery, Query()],
    request: Request,
    response: Response,
    database: DatabaseDep,
    store: StoreDep,
    settings: SettingsDep,
    principal: PrincipalDep,
) -> VersionRead:
    """Send a file as the body (`curl -T FILE`), or JSON that names a built-in or earlier bytes."""
    kind = await run_in_threadpool(_kind_of, database, principal.owner, name)
    if is_json(media_type(request.scope)):
        add: Add = partial(adding.add_known, body=_parsed(await request.body()))
    else:
        room = Room(store.staging, settings.free_bytes)
        add = await _uploaded(request, store, query, kind, room)
    added, is_new = await run_in_threadpool(_added, database, partial(add, owner=principal.owner, name=name))
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = added.links["self"]
    return added


def _kind_of(database: Database, owner: str, name: str) -> Kind:
    # Asked for once more at the end; but nobody shall send gigabytes to a name that does not exist.
    with database.read() as session:
        return cast(Kind, service.get(session, owner, name).kind)


def _parsed(body: bytes) -> VersionCreate:
    """Return what FastAPI would have made of the body; it reads none where an endpoint streams."""
    sent = json.loads(body or b"null")
    try:
        return VersionCreate.model_validate(sent)
    except ValidationError as error:
        located = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(located, body=sent) from None


async def _uploaded(request: Request, store: Store, query: UploadQuery, kind: Kind, room: Room) -> Add:
    upload = await uploads.receive(_chunks(request, room), store.staging, kind)
    stored = await run_in_threadpool(uploads.keep, upload, store)
    return partial(adding.add_upload, stored=stored, query=query)


async def _chunks(request: Request, room: Room) -> AsyncIterator[bytes]:
    room.require(int(request.headers.get("content-length", 0)))
    try:
        async for chunk in request.stream():
            # Others write meanwhile, and not every client says how much will come.
            room.require(len(chunk))
            yield chunk
    except ClientDisconnect:
        raise BadRequest("The body was cut off. Send it again.", code="upload_incomplete") from None


def _added(database: Database, add: Add) -> tuple[VersionRead, bool]:
    with database.write() as session:
        version, is_new = add(session)
        return service.described_versions(session, [version])[0], is_new
