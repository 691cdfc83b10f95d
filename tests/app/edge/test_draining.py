import asyncio
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

BODY = 8 * 1024**2


@pytest.fixture(scope="module", params=["app.edge.connections:Connection", "h11"])
def port(request: pytest.FixtureRequest, edge: Any, listening: Callable[..., Any]) -> int:
    return int(listening(edge, http=request.param).port)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("connection", [b"close", b"keep-alive"])
def test_a_refusal_arrives_although_nobody_reads_the_body(port: int, connection: bytes) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nConnection: %b\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(head % (connection, BODY))
        # All of it, before the answer is looked at: a connection that was reset would fail here.
        for _ in range(BODY // 65536):
            client.sendall(bytes(65536))
        assert status_of(client.recv(65536)) == 404


def test_a_client_that_waits_to_be_asked_gets_its_answer_at_once(port: int) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
        client.sendall(head % BODY)
        assert status_of(client.recv(65536)) == 404


def test_a_connection_can_be_used_again_after_a_refusal(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        statuses = [client.post("/nowhere", content=bytes(BODY)).status_code for _ in range(3)]
        assert statuses == [404, 404, 404]
        assert client.get("/query").status_code == 200


def test_a_client_that_sends_for_ever_is_left_after_a_while(edge: Any) -> None:
    """Run without a server, whose buffers would hide how much is read."""
    read, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1024**2
        return {"type": "http.request", "body": bytes(1024**2), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/nowhere",
        "query_string": b"",
        "headers": [(b"transfer-encoding", b"chunked")],
    }
    asyncio.run(edge(scope, receive, send))
    assert sent[0]["status"] == 404
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    assert read <= 65 * 1024**2
