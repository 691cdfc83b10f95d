import json
from typing import Any

from app.edge.hosts import Hosts
from app.edge.lane import Lane
from app.edge.routes import RouteTable
from app.errors import TooMany
from app.keys import service as keys
from app.keys.gate import Gate
from app.keys.keyring import Keyring
from app.metrics import Metrics
from app.protocols.quick import Answer, Asking


class Full:
    """A dialect whose queue is full."""

    def at_once(self, asking: Asking) -> Answer | None:
        """Refuse."""
        asking.route = "POST /counted"
        raise TooMany("Too much waits.", code="queue_full", headers={"Retry-After": "3"})


def test_a_full_queue_refuses_here_too(registry: Any, settings: Any) -> None:
    with registry.database.write() as session:
        _, text = keys.create(session, "test", ["predict"])
    keyring, metrics = Keyring(registry.database), Metrics(registry.database)
    keyring.refresh()
    routes = {"POST /full/predict": "predict"}
    gate = Gate(_nowhere, RouteTable(routes, routes), keyring, settings)
    lane = Lane(Hosts(_nowhere, settings), gate, metrics, dict.fromkeys(routes, Full()), settings)
    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {text}".encode()),
        (b"x-request-id", b"request-7"),
    ]
    found = lane.answer(b"/full/predict", headers, None, b"{}")
    assert found is not None
    head, _, body = found[1].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert found[0] == 429
    assert (json.loads(body)["code"], json.loads(body)["request_id"]) == ("queue_full", "request-7")
    assert [line for line in lines if line.startswith((b"retry-after", b"content-length", b"x-req"))] == [
        b"retry-after: 3",
        b"content-length: %d" % len(body),
        b"x-request-id: request-7",
    ]
    assert b"x-content-type-options: nosniff" in lines
    assert b'route="/counted",status="429"} 1.0' in metrics.exposition()


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Nothing is asked here."""
