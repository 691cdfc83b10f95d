import json

import httpx
import numpy as np
import pytest

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


class Speller:
    """A network that writes text: what comes next follows from the last two tokens, as two tables say.

    ``state_1`` is the token before, one place for each id; ``state_2`` counts the steps.
    """

    def __init__(self, tokens, seed=0, kind="character"):
        self.vocabulary = ["", "\ufffd", *tokens]
        self.kind = kind
        size = len(self.vocabulary)
        self.now, self.before = (
            np.random.default_rng(seed).normal(size=(2, size, size)).astype(np.float32) * 2
        )

    def logits(self, ids):
        """Return the logits of what follows some tokens."""
        before = self.before[ids[-2]] if len(ids) > 1 else 0
        return self.now[ids[-1]] + before

    def likeliest(self, prompt, count):
        """Return the ids that follow a prompt if each time the likeliest is taken."""
        ids = [self.vocabulary.index(token) for token in prompt]
        for _ in range(count):
            ids.append(2 + int(self.logits(ids)[2:].argmax()))
        return ids[len(prompt) :]

    def artifact(self, made):
        """Return what publishes it."""
        size = len(self.vocabulary)
        states = {"state_1": (size,), "state_2": (1,)}
        moved = {f"next_{name}": shape for name, shape in states.items()}
        step = made.role("step", {"token": ((), "int32"), **states}, {"logits": (size,), **moved})
        step.node("Gather", [step.constant(self.now), "token"], ["by_token"], axis=0)
        step.node("MatMul", ["state_1", step.constant(self.before)], ["by_state"])
        step.node("Add", ["by_token", "by_state"], ["logits"])
        step.node(
            "Gather", [step.constant(np.eye(size, dtype=np.float32)), "token"], ["next_state_1"], axis=0
        )
        step.node("Add", ["state_2", step.constant(np.ones(1, np.float32))], ["next_state_2"])
        examples = {
            "token": np.array([2, 3], np.int32),
            "state_1": np.eye(size, dtype=np.float32)[:2],
            "state_2": np.zeros((2, 1), np.float32),
        }
        return made.artifact(
            [step],
            {"step": examples},
            task="generation",
            text={"tokens": self.kind, "vocabulary": size, "lowercase": False},
            files={"vocabulary.json": json.dumps(self.vocabulary).encode()},
        )


@pytest.fixture
def speller():
    """A network that writes text."""
    return Speller
