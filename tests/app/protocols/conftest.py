import json

import httpx
import numpy as np
import pytest
from made import Made
from spelling import Speller

from app.edge.bodies import Bodies
from app.edge.requests import Requests
from app.edge.routes import RouteTable
from app.keys import service as keys
from app.keys.gate import Gate
from app.keys.keyring import Keyring
from app.metrics import Metrics
from app.protocols.described import DESCRIBED, SCHEMAS
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
        event_hooks={"response": [as_described]},
    ) as client:
        yield client


async def as_described(response):
    """Hold every answer of every test against what the documentation says of it."""
    described = DESCRIBED.get(response.request.url.path.rpartition("/")[2])
    if response.status_code != 200 or described is None:
        return
    content = described.answer[response.headers["content-type"].partition(";")[0]]
    if "$ref" in content["schema"]:
        _, _, name = content["schema"]["$ref"].rpartition("/")
        (schema,) = (each for each in SCHEMAS if each.__name__ == name)
        schema.model_validate_json(await response.aread())


@pytest.fixture
def speller():
    """A network that writes text."""
    return Speller


@pytest.fixture
def breaking(registry, made):
    """A network, published as ``tales``, that writes 2,500 times "a", and then what is no number."""
    step = made.role("step", {"token": ((), "int32"), "state": (1,)}, {"logits": (4,), "next_state": (1,)})
    step.node("Gather", [step.constant(np.eye(4, dtype=np.float32)), "token"], ["chosen"], axis=0)
    # The logarithm of how many more there may be.
    step.node("Sub", [step.constant(np.float32(2500)), "state"], ["left"])
    step.node("Log", ["left"], ["logarithm"])
    step.node("Add", ["chosen", "logarithm"], ["logits"])
    step.node("Add", ["state", step.constant(np.ones(1, np.float32))], ["next_state"])
    examples = {"token": np.array([2], np.int32), "state": np.zeros((1, 1), np.float32)}
    text = {"tokens": "character", "vocabulary": 4, "lowercase": False}
    files = {"vocabulary.json": json.dumps(["", "\ufffd", "a", "b"]).encode()}
    artifact = made.artifact([step], {"step": examples}, task="generation", text=text, files=files)
    return registry.publish("tales", **artifact)


@pytest.fixture(scope="module")
def texts(module_registry):
    """A network, published as ``texts``, that answers the numbers of a text's first two words."""
    words = ["", "\ufffd", "good", "bad"]
    role = Made.role("predict", {"text": ((2,), "int32")}, {"values": (2,)})
    role.node("Cast", ["text"], ["values"], to=1)
    examples = {"predict": {"text": np.ones((2, 2), np.int32)}}
    text = {"tokens": "word", "vocabulary": len(words), "lowercase": True}
    files = {"vocabulary.json": json.dumps(words).encode()}
    artifact = Made().artifact([role], examples, task="regression", text=text, files=files)
    return module_registry.publish("texts", **artifact)


@pytest.fixture(scope="module")
def echo(module_registry):
    """A network, published as ``echo``, that answers the three numbers that it is asked."""
    role = Made.role("predict", {"x": (3,)}, {"same": (3,)})
    role.node("Identity", ["x"], ["same"])
    examples = {"predict": {"x": np.ones((1, 3), np.float32)}}
    return module_registry.publish("echo", **Made().artifact([role], examples, task="regression"))
