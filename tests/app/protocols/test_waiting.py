import asyncio
import contextlib
import json
import logging
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.requests import ClientDisconnect

from app.protocols.questions import wire_of

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/digits/predict"
ROWS = np.zeros((2, 8, 8, 1), np.float32)
BODY = json.dumps({"instances": ROWS.tolist()}).encode()


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"queue_seconds": 0.5, "request_seconds": 3.0})


@contextlib.asynccontextmanager
async def busy(execution):
    """Keep all threads busy."""
    gate = threading.Event()
    threads = execution._pool._max_workers
    tasks = [asyncio.create_task(execution.run(gate.wait)) for _ in range(threads)]
    await asyncio.sleep(0)
    yield gate
    gate.set()
    await asyncio.gather(*tasks)


async def slow(registry, engine):
    """Publish a version that says that a row takes a second."""
    registry.publish()
    version = await engine.obtain(("local", "digits", "champion"))
    version.roles["predict"].row_seconds = 1.0
    return version


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_client_that_leaves_is_not_predicted_for(registry, engine, settings):
    version = await slow(registry, engine)
    wire = wire_of("predict", version, engine.execution, settings)
    leaves, sent = asyncio.Event(), []
    messages = [{"type": "http.request", "body": BODY}]

    async def receive():
        if messages:
            return messages.pop()
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"headers": [(b"content-type", b"application/json")], "query_string": b""}
    async with busy(engine.execution):
        asking = asyncio.create_task(wire.respond(scope, receive, send))
        await until(lambda: version.statistics.pending == 1)
        leaves.set()
        with pytest.raises(ClientDisconnect):
            await asking
    assert sent == []
    # Whoever comes later is answered alone.
    messages.append({"type": "http.request", "body": BODY})
    leaves.clear()
    await wire.respond(scope, receive, send)
    assert sent[0]["status"] == 200
    assert (version.statistics.failures["cancelled"], version.statistics.executions) == (1, 1)


async def test_who_would_wait_too_long_and_who_did_are_told_the_limit(client, registry, engine):
    version = await slow(registry, engine)
    async with busy(engine.execution):
        waiting = [asyncio.create_task(client.post(PATH, content=BODY))]
        await until(lambda: version.statistics.pending == 1)
        refused = await client.post(PATH, content=BODY)
        late = await waiting[0]
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1
    assert "0.5 s is the limit" in refused.json()["detail"]
    assert (late.status_code, late.json()["code"], late.json()["limit"]) == (504, "timed_out", 3.0)
    assert (await client.post(PATH, content=BODY)).status_code == 200
    failures = version.statistics.failures
    assert (failures["rejected"], failures["expired"], failures["cancelled"]) == (1, 1, 0)


async def test_refusals_cost_no_line_of_the_log_each(client, registry, engine, caplog, monkeypatch):
    version, told = await slow(registry, engine), []
    caplog.set_level(logging.INFO, logger="app.edge.requests")
    monkeypatch.setattr("app.edge.requests.log", SimpleNamespace(log=lambda *_, **event: told.append(event)))
    async with busy(engine.execution) as gate:
        waiting = asyncio.create_task(client.post(PATH, content=BODY))
        await until(lambda: version.statistics.pending == 1)
        assert (await client.post(PATH, content=BODY)).status_code == 429
        assert (await client.post(PATH, content=b"{")).status_code == 400
        gate.set()
        await waiting
    assert [event["status"] for event in told] == [400]
