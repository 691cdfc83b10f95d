"""The web process: all parts of it, put together."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

import app.datasets.endpoints
import app.evaluations.endpoints
import app.families.endpoints
import app.jobs.endpoints
import app.keys.endpoints
import app.registry.endpoints
import app.trash.endpoints
import app.workers.endpoints
from app import health, openapi
from app.database import Database
from app.doorbell import Doorbell
from app.edge.bodies import Bodies
from app.edge.connections import LIMITS, Limits
from app.edge.draining import Draining
from app.edge.head import Head
from app.edge.hosts import Hosts
from app.edge.lane import LANE, Lane
from app.edge.problems import respond
from app.edge.queries import Queries, parameters
from app.edge.requests import Requests
from app.edge.routes import RouteTable
from app.edge.strict_json import StrictJson
from app.edge.targets import Targets
from app.errors import AppError
from app.keys.gate import Gate
from app.keys.keyring import Keyring
from app.keys.scopes import scopes
from app.logging import configure_logging
from app.metrics import Metrics
from app.pages import docs, login
from app.protocols import native
from app.protocols.open_inference import application as open_inference
from app.protocols.openai import application as openai
from app.protocols.quick import Quick
from app.protocols.tf_serving import application as tf_serving
from app.serving.engine import Engine
from app.serving_metrics import ServingCollector
from app.settings import Settings
from app.storage import open_store

API = "/api/v1"
FEATURES = (
    app.families.endpoints.router,
    app.datasets.endpoints.router,
    app.jobs.endpoints.router,
    app.registry.endpoints.router,
    app.evaluations.endpoints.router,
    app.keys.endpoints.router,
    app.workers.endpoints.router,
    app.trash.endpoints.router,
)
PAGES = (health.router, login.router, docs.router)
# No more threads run endpoints than the database has connections for them.
ENDPOINT_THREADS = 15


def create_app(settings: Settings | None = None, *, database: Database | None = None) -> ASGIApp:
    """Return the whole service as an ASGI application.

    Args:
        settings: By default, those of the environment.
        database: Used instead of the configured one and left open at the end; whom its commits ring for is
            up to its maker.
    """
    settings = settings or Settings()
    configure_logging(settings)
    doorbell = None
    owned: list[Callable[[], None]] = []
    if database is None:
        doorbell = Doorbell(settings)
        database = Database(settings.resolved_database_url, on_commit=doorbell.ring)
        owned += [doorbell.close, database.close]
    store = open_store(settings)
    engine = Engine(database, store, settings)
    keyring = Keyring(database)
    metrics = Metrics(database, settings)
    metrics.registry.register(ServingCollector(engine.statistics))

    state: dict[str, Any] = {LIMITS: Limits(settings.stalled_seconds, settings.connections)}
    framework = FastAPI(
        title="Keraforge",
        version=version("keraforge"),
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(
            state,
            starts=(metrics.start, keyring.start, engine.start),
            ends=(engine.close, keyring.close, metrics.close, *owned),
        ),
        exception_handlers=dict.fromkeys(
            (AppError, HTTPException, RequestValidationError, Exception), respond
        ),
    )
    for name, collaborator in {
        "settings": settings,
        "database": database,
        "store": store,
        "doorbell": doorbell,
        "engine": engine,
        "keyring": keyring,
        "metrics": metrics,
    }.items():
        setattr(framework.state, name, collaborator)
    for router in FEATURES:
        framework.include_router(router, prefix=API)
    for router in PAGES:
        framework.include_router(router)
    raw = {*native.ROUTES, *tf_serving.ROUTES, *open_inference.ROUTES, *openai.ROUTES}
    table = RouteTable(scopes(public_metrics=settings.public_metrics), {*_names(framework), *raw})

    # From the inside out: the last one here sees a request first.
    service: ASGIApp = StrictJson(framework)
    service = asked = native.Native(service, engine=engine, settings=settings)
    service = tensorflow = tf_serving.TfServing(service, engine=engine, settings=settings)
    service = inference = open_inference.OpenInference(service, engine=engine, settings=settings)
    service = openai.OpenAi(service, engine=engine)
    service = Queries(service, _parameters(framework))
    service = Bodies(service, settings)
    service = gate = Gate(service, table, keyring, settings)
    service = Head(service)
    service = Targets(service)
    service = hosts = Hosts(service, settings)
    service = Requests(service, metrics)
    dialects: dict[str, Quick] = {
        **dict.fromkeys(native.ROUTES, asked),
        **dict.fromkeys(tf_serving.ROUTES, tensorflow),
        **dict.fromkeys(open_inference.ABOUT_A_MODEL, inference),
    }
    state[LANE] = Lane(hosts, gate, metrics, dialects, settings)
    return Draining(service)


def _names(framework: FastAPI) -> Iterator[str]:
    """Yield every route that FastAPI serves, as the table of scopes names it."""
    for route in iter_route_contexts(framework.routes):
        if not route.path or not route.methods:
            raise ValueError(f"{route.original_route!r} has no methods, so no scope can guard it")
        for method in route.methods - {"HEAD"}:
            yield f"{method} {route.path}"


def _parameters(framework: FastAPI) -> dict[str, set[str]]:
    """Return what each route of the API reads behind the question mark."""
    return {
        f"{method} {route.path}": parameters(route.original_route.dependant)
        for route in iter_route_contexts(framework.routes)
        if isinstance(route.original_route, APIRoute) and (route.path or "").startswith(API)
        for method in route.methods or ()
    }


def _lifespan(
    state: dict[str, Any], *, starts: Sequence[Callable[[], None]], ends: Sequence[Callable[[], None]]
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = ENDPOINT_THREADS
        for start in starts:
            await run_in_threadpool(start)
        yield state
        for end in ends:
            await run_in_threadpool(end)

    return lifespan
