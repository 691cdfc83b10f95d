import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

PIECE = 64 * 1024
PIECES = 256
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"


@pytest.fixture
def connection(module_service: Any) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", module_service.port), timeout=10) as connection:
        yield connection


def said_before_the_end(connection: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection; that it does not is a TimeoutError."""
    said = b""
    try:
        while piece := connection.recv(PIECE):
            said += piece
    except ConnectionError:
        pass  # it was reset, because some of what was sent had not been read
    return said


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD + b"X-Long: ", b"a" * PIECE),
        (HEAD, b"a: b\r\n" * (PIECE // 6)),
        (b"GET /", b"a" * PIECE),
        (CHUNKED + b"0\r\n", b"a: b\r\n" * (PIECE // 6)),
        (CHUNKED + b"2;extension=", b"a" * PIECE),
    ],
    ids=["one header", "many headers", "address", "trailers", "extension of a chunk"],
)
def test_who_never_comes_to_the_point_is_cut_off(
    module_service: Any, connection: socket.socket, start: bytes, piece: bytes
) -> None:
    try:
        connection.sendall(start)
        for _ in range(PIECES):
            connection.sendall(piece)
    except ConnectionError:
        pass
    said = said_before_the_end(connection)
    assert said == b"" or said.startswith(b"HTTP/1.1 4")
    with module_service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_one_connection_takes_any_number_of_requests_and_a_long_body(module_service: Any) -> None:
    with module_service.client("predict") as client:
        for _ in range(20):
            answer = client.get("/healthz", headers={"X-Long": "a" * 8000})
            assert answer.status_code == 200
        for body in (b" " * 2**20, (b" " * 1000 for _ in range(1000))):
            answer = client.post("/api/v1/models/nobody/predict", content=body)
            assert answer.status_code == httpx.codes.NOT_FOUND
