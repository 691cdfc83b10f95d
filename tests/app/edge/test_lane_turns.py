import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.edge.hosts import Hosts
from app.edge.lane import Lane
from app.edge.routes import RouteTable
from app.errors import TooMany
from app.keys import service as keys
from app.keys.gate import Gate
from app.keys.keyring import Keyring
from app.metrics import Metrics
from app.protocols.quick import Answer, Asking
from app.serving.role import LoadedRole
from app.serving.turns import Ready
from models.signature import RoleSignature

ROUTE, PATH = "POST /some/predict", b"/some/predict"


class Full:
    """A dialect whose queue is full."""

    def prepare(self, asking: Asking) -> Ready[Answer] | None:
        """Refuse."""
        asking.route = "POST /counted"
        raise TooMany("Too much waits.", code="queue_full", headers={"Retry-After": "3"})


class Twice:
    """A dialect that answers twice the number that a body is; it cannot write what is below zero."""

    def __init__(self, made: Any) -> None:
        made_role = made.role("predict", {"x": ()}, {"y": ()})
        made_role.node("Add", ["x", "x"], ["y"])
        signature = RoleSignature.model_validate(made_role.signature())
        self.role = LoadedRole(signature, made_role.onnx())

    def prepare(self, asking: Asking) -> Ready[Answer] | None:
        """Ask for one row."""

        def write(outputs: Any) -> Answer:
            (number,) = outputs["y"]
            if number < 0:
                raise ValueError("not that")
            return Answer(b"", b"%d" % number)

        return Ready(self.role, {"x": np.array([float(asking.body)], np.float32)}, None, write)


@pytest.fixture
def lane_of(registry: Any, settings: Any) -> Callable[[Any], tuple[Lane, Metrics, Any]]:
    """Make a lane with one dialect; return it with its metrics and what asks it."""

    def begin(dialect: Any) -> tuple[Lane, Metrics, Any]:
        with registry.database.write() as session:
            _, text = keys.create(session, "test", ["predict"])
        keyring, metrics = Keyring(registry.database), Metrics(registry.database)
        keyring.refresh()
        scopes = {ROUTE: "predict"}
        gate = Gate(_nowhere, RouteTable(scopes, scopes), keyring, settings)
        lane = Lane(Hosts(_nowhere, settings), gate, metrics, {ROUTE: dialect}, settings)
        headers = [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {text}".encode()),
            (b"x-request-id", b"request-7"),
        ]

        def take(body: bytes) -> list[tuple[int, bytes] | None]:
            told: list[tuple[int, bytes] | None] = []
            assert lane.take(PATH, headers, None, body, told.append)
            return told

        return lane, metrics, take

    return begin


def test_a_full_queue_refuses_here_too(lane_of: Callable[[Any], Any]) -> None:
    _, metrics, take = lane_of(Full())
    ((status, found),) = take(b"{}")
    head, _, body = found.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert status == 429
    assert (json.loads(body)["code"], json.loads(body)["request_id"]) == ("queue_full", "request-7")
    assert [line for line in lines if line.startswith((b"retry-after", b"content-length", b"x-req"))] == [
        b"retry-after: 3",
        b"content-length: %d" % len(body),
        b"x-request-id: request-7",
    ]
    assert b"x-content-type-options: nosniff" in lines
    assert b'route="/counted",status="429"} 1.0' in metrics.exposition()


@pytest.mark.anyio
@pytest.mark.parametrize("at_once", [False, True])
async def test_requests_of_one_turn_run_as_one_and_are_told_at_its_end(
    lane_of: Callable[[Any], Any], made: Any, at_once: bool
) -> None:
    dialect = Twice(made)
    lane, metrics, take = lane_of(dialect)
    told = [take(body) for body in (b"1", b"-2", b"3")]
    assert told == [[], [], []]
    if at_once:
        lane.end_turn()
    else:
        await asyncio.sleep(0)
    # The second is the application's, which knows what to say.
    assert [found and (found[0], found[1][-1:]) for (found,) in told] == [(200, b"2"), None, (200, b"6")]
    dialect.role.statistics.settle()
    assert {rows: batch.count for rows, batch in dialect.role.statistics.batches.items()} == {3: 1}
    assert b'route="/some/predict",status="200"} 2.0' in metrics.exposition()


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Nothing is asked here."""
