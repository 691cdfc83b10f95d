"""What is asked of the whole web process while versions come and go."""

import gc
import re
from types import SimpleNamespace

import numpy as np
import pytest

from app.protocols.open_inference.application import OpenInference
from app.protocols.open_inference.repository import INDEX
from app.serving.loaded import LoadedVersion
from app.serving.snapshot import Target
from app.tables import Alias, ModelVersion

PREDICT = "/api/v1/models/{}/predict"
ROW = [[0.0] * 8] * 8


@pytest.fixture
def fragile(registry, made):
    """A network that answers -1 with what is no number."""
    role = made.role("predict", {"x": (1,)}, {"values": (1,)})
    role.node("Log", ["x"], ["values"])
    examples = {"predict": {"x": np.ones((1, 1), np.float32)}}
    return registry.publish("fragile", **made.artifact([role], examples, task="regression", targets=["y"]))


def counted(client, outcome):
    found = re.findall(
        rf'keraforge_predict_requests_total\{{.*outcome="{outcome}".*\}} (\d+)', client.get("/metrics").text
    )
    return sum(map(int, found))


def test_a_request_that_fails_at_once_is_counted_once(service, fragile):
    path = PREDICT.format("fragile")
    with service.client("predict") as client:
        assert client.post(path, json={"instances": [[1.0]]}).status_code == 200
        assert client.post(path, json={"instances": [[-1.0]]}).status_code == 422
        assert (counted(client, "answered"), counted(client, "failed")) == (1, 1)


def test_a_connection_that_waits_for_its_next_request_keeps_no_version_in_memory(service, registry):
    registry.publish()
    with service.client("admin") as client, service.client("admin") as other:
        # Who asks for more than the plain answer goes the long way, through the application.
        asked = f"{PREDICT.format('digits')}?top_k=1"
        assert client.post(asked, json={"instances": [ROW]}).status_code == 200
        assert other.post("/v2/repository/models/digits/unload").status_code == 200
        gc.collect()
        assert not [each for each in gc.get_objects() if isinstance(each, LoadedVersion)]


@pytest.mark.anyio
async def test_the_index_is_told_though_a_version_is_deleted_while_its_body_arrives(registry, engine):
    version = registry.publish()
    registry.publish("other")
    sent = []

    async def receive():
        with registry.database.write() as session:
            session.delete(session.get(Alias, (version.model_id, "champion")))
            session.delete(session.get(ModelVersion, version.id))
        await engine.targets("local")
        return {"type": "http.request", "body": b"{}"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "state": {"route": INDEX, "principal": SimpleNamespace(owner="local")}}
    await OpenInference(None, engine=engine, settings=None)(scope, receive, send)
    assert (sent[0]["status"], b'"other"' in sent[1]["body"]) == (200, True)


@pytest.mark.anyio
async def test_a_model_that_was_loaded_to_stay_does_not_keep_what_its_champion_was_before(
    registry, engine, monkeypatch, until
):
    monkeypatch.setattr("app.serving.engine.IDLE_SECONDS", 0.0)
    champion = Target("local", "digits")
    for seed in range(2):
        registry.publish(seed=seed)
        await engine.targets("local")
        assert (await engine.load(champion)).number == seed + 1
    first = champion._replace(which=1)
    until(lambda: engine.state(first).name == "UNAVAILABLE", "room")
    assert engine.state(champion).name == "READY"
