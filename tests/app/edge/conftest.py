"""A small FastAPI application that goes wrong in every way, behind the real edge."""

import errno
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from app import errors
from app.database import Database
from app.edge.draining import Draining
from app.edge.head import Head
from app.edge.problems import respond
from app.edge.requests import Requests
from app.edge.strict_json import StrictJson
from app.edge.targets import Targets
from app.logging import configure_logging
from app.metrics import Metrics
from app.settings import Settings

SECRET = "postgresql://user:hunter2@host/db"

RAISED: dict[str, Callable[[], Exception]] = {
    "bug": lambda: RuntimeError(SECRET),
    "key": lambda: KeyError(SECRET),
    "database": lambda: OperationalError("SELECT 1", {}, Exception(SECRET)),
    "full": lambda: OSError(errno.ENOSPC, SECRET),
    "other-os": lambda: OSError(errno.EPERM, SECRET),
    "overflow": lambda: OverflowError(SECRET),
    "conflict": lambda: errors.Conflict("Taken.", code="name_taken", extra={"current_state": "queued"}),
    "teapot": lambda: HTTPException(418, SECRET),
    "gateway": lambda: HTTPException(502, SECRET),
}


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["block"] = "block"
    units: int = Field(ge=1, le=10)


class Other(BaseModel):
    kind: Literal["other"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=5)
    blocks: list[Annotated[Block | Other, Field(discriminator="kind")]] = []
    tags: dict[str, int] = {}


@pytest.fixture(scope="module")
def metrics(_sqlite_template: Path) -> Any:
    configure_logging(Settings(_env_file=None))
    database = Database(f"sqlite:///{_sqlite_template}")
    yield Metrics(database)
    database.close()


router = APIRouter()


@router.get("/raise/{what}")
def fail(what: str) -> None:
    raise RAISED[what]()


@router.post("/body")
def take(body: Body) -> Body:
    return body


@router.post("/any")
async def any_body(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@router.get("/query")
def query(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> int:
    return limit


@router.get("/v2/models/x")
def dialect() -> None:
    raise errors.NotFound("There is no model x.")


@router.get("/half")
def half() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError(SECRET)

    return StreamingResponse(parts())


@router.get("/endless")
def endless() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"again"

    return StreamingResponse(parts(), headers={"X-Kept": "yes"})


@pytest.fixture(scope="module")
def edge(metrics: Metrics) -> Any:
    framework = FastAPI(redirect_slashes=False)
    for kind in (errors.AppError, HTTPException, RequestValidationError, Exception):
        framework.add_exception_handler(kind, respond)
    framework.include_router(router)
    return Draining(Requests(Targets(Head(StrictJson(framework))), metrics))


@pytest.fixture(scope="module")
def client(edge: Any, listening: Callable[..., Any]) -> Any:
    with httpx.Client(base_url=listening(edge).url) as client:
        yield client
