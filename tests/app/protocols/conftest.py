import httpx
import pytest

from app.edge.bodies import Bodies
from app.edge.requests import Requests
from app.edge.routes import RouteTable
from app.keys import service as keys
from app.keys.gate import Gate
from app.keys.keyring import Keyring
from app.metrics import Metrics
from app.protocols.native import ROUTES, Native
from app.serving.engine import Engine


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"predict_body_bytes": 1024**2, "image_pixels": 10_000})


@pytest.fixture
def engine(registry, settings):
    engine = Engine(registry.database, registry.store, settings)
    engine.start()
    yield engine
    engine.close()


@pytest.fixture
async def client(registry, engine, settings):
    """The application behind what it relies on: the gate, the limits of bodies, errors as problems."""

    async def elsewhere(scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body"})

    scopes = {**dict.fromkeys(ROUTES, "predict"), "POST /elsewhere": "predict"}
    with registry.database.write() as session:
        _, key = keys.create(session, "test", ["predict"])
    app = Native(elsewhere, engine=engine, settings=settings)
    app = Bodies(app, settings)
    app = Gate(app, RouteTable(scopes, scopes), Keyring(registry.database), settings)
    app = Requests(app, Metrics(registry.database))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"Authorization": f"Bearer {key}"},
    ) as client:
        yield client
