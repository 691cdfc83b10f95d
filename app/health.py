"""Whether the service is alive, whether it is ready, and what it measures."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

import migrations
from app.dependencies import DatabaseDep, SettingsDep, StoreDep
from app.errors import Unavailable
from app.exposition import CONTENT_TYPE
from app.metrics import Metrics
from app.serving.engine import Engine

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive?")
async def healthz() -> dict[str, str]:
    """Answer at once, without looking at anything: the process is alive."""
    return {"status": "ok"}


@router.get("/readyz", summary="Ready?")
def readyz(request: Request, database: DatabaseDep, store: StoreDep, settings: SettingsDep) -> dict[str, str]:
    """Answer 200 when the database can be used and the registry was read, else 503.

    Where files are kept elsewhere, `files` is `ok`, or `away` while they cannot be had.
    """
    with database.read() as session:
        revision = session.scalar(text("SELECT version_num FROM alembic_version"))
    engine: Engine = request.app.state.engine
    # A newer one is that of an upgrade under way: versions work on the schema of the next one.
    if revision is None or revision < migrations.HEAD:
        raise Unavailable("The database's schema is older than this version.", code="not_migrated")
    if not engine.ready:
        raise Unavailable(
            "The registry has not been read yet.", code="starting", headers={"Retry-After": "1"}
        )
    if not settings.files_url:
        return {"status": "ready"}
    # Versions in memory answer without their files.
    return {"status": "ready", "files": "away" if store.trouble() else "ok"}


@router.get("/metrics", response_class=Response, summary="Measurements for Prometheus")
@router.get("/monitoring/prometheus/metrics", response_class=Response, summary="The same for Prometheus")
def metrics(request: Request) -> Response:
    """Requests, versions, jobs by state, and the processes, in Prometheus' text format.

    What was asked of versions is also told as Triton and TensorFlow Serving do, whose dashboards then work.
    """
    measured: Metrics = request.app.state.metrics
    return Response(measured.exposition(), media_type=CONTENT_TYPE)
