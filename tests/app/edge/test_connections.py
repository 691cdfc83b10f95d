import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from app.database import Database
from app.edge.connections import LIMITS, Limits
from app.edge.targets import LONGEST_HEAD

PIECE = 64 * 1024
PIECES = 64
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
BEGUN = (
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 20\r\nAuthorization: Bearer "
)
# Short enough to wait for, long enough for a busy machine to do its part in a piece of it.
SECONDS = 0.6


@pytest.fixture
def connect() -> Iterator[Callable[[Any], socket.socket]]:
    opened: list[socket.socket] = []

    def connect(service: Any) -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", service.port), timeout=30))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(module_service: Any, connect: Callable[[Any], socket.socket]) -> socket.socket:
    return connect(module_service)


def said_before_the_end(connection: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection; that it does not is a TimeoutError."""
    said = b""
    try:
        while piece := connection.recv(PIECE):
            said += piece
    except ConnectionError:
        pass  # it was reset, because some of what was sent had not been read
    return said


def said(connection: socket.socket) -> bytes:
    """Return the next answer to a request for ``/healthz``."""
    answer = b""
    while not answer.endswith(b'{"status":"ok"}'):
        piece = connection.recv(PIECE)
        assert piece, f"the connection ended after {answer!r}"
        answer += piece
    return answer


def is_open(connection: socket.socket, seconds: float) -> bool:
    """Tell whether the connection is left alone, and nothing said, for so long."""
    connection.settimeout(seconds)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(30)
    return False


def head_of(size: int) -> bytes:
    """Return a head whose address and headers have so many bytes."""
    line, begun = b"GET /healthz HTTP/1.1\r\n", b"Host: 127.0.0.1\r\nX-Long: "
    return line + begun + b"a" * (size - len(b"/healthz") - len(begun) - 2) + b"\r\n\r\n"


def test_a_head_of_the_longest_length_is_answered(connection: socket.socket) -> None:
    for _ in range(2):
        connection.sendall(head_of(LONGEST_HEAD))
        assert said(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("before", [b"", HEAD + b"\r\n"], ids=["first", "second in one piece"])
def test_a_head_that_is_longer_by_a_byte_is_refused_and_the_connection_ends(
    connection: socket.socket, before: bytes
) -> None:
    connection.sendall(before + head_of(LONGEST_HEAD + 1))
    answers = said_before_the_end(connection)
    served, found, refused = answers.partition(b"HTTP/1.1 431 ")
    assert found
    assert served.count(b"HTTP/1.1 200 ") == bool(before)
    answer = found + refused
    assert answer.lower().count(b"connection: close\r\n") == 1
    assert b'"code": "head_too_long"' in answer


def test_a_head_whose_beginning_came_with_another_request_is_measured_whole(
    connection: socket.socket,
) -> None:
    head = head_of(LONGEST_HEAD + 1)
    connection.sendall(HEAD + b"\r\n" + head[:-10])
    assert said(connection).startswith(b"HTTP/1.1 200")
    connection.sendall(head[-10:])
    assert said_before_the_end(connection).startswith(b"HTTP/1.1 431 ")


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
    answer = said_before_the_end(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    with module_service.client() as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_sent_behind_a_refused_head_does_not_overtake_the_refusal(
    connection: socket.socket, count: int
) -> None:
    connection.sendall(HEAD + b"X-Long: ")
    for _ in range(count):
        connection.sendall(b"a" * PIECE)
    answer = said_before_the_end(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.lower().count(b"connection: close\r\n") == 1


def test_one_connection_takes_any_number_of_requests_and_a_long_body(module_service: Any) -> None:
    with module_service.client("predict") as client:
        for _ in range(20):
            answer = client.get("/healthz", headers={"X-Long": "a" * 8000})
            assert answer.status_code == 200
        for body in (b" " * 2**20, (b" " * 1000 for _ in range(1000))):
            answer = client.post("/api/v1/models/nobody/predict", content=body)
            assert answer.status_code == httpx.codes.NOT_FOUND


@pytest.fixture
def served(serve: Callable[..., Any], sqlite_url: str) -> Iterator[Callable[..., Any]]:
    """Start the web process with settings that differ as told."""
    with closing(Database(sqlite_url)) as database:
        yield lambda **changes: serve(database, **changes)


@pytest.fixture
def impatient(served: Callable[..., Any]) -> Any:
    return served(stalled_seconds=SECONDS)


@pytest.mark.parametrize("begun", [b"G", HEAD, HEAD + b"X-Half: "])
def test_a_head_that_stands_still_is_refused(
    impatient: Any, connect: Callable[[Any], socket.socket], begun: bytes
) -> None:
    first, second = connect(impatient), connect(impatient)
    second.sendall(HEAD + b"\r\n")
    assert said(second).startswith(b"HTTP/1.1 200")
    for connection in (first, second):
        connection.sendall(begun)
    for connection in (first, second):
        answer = said_before_the_end(connection)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert answer.endswith(b"}")


@pytest.mark.parametrize("piece", [b"", b"{"])
def test_a_body_that_stands_still_is_refused(
    impatient: Any, connect: Callable[[Any], socket.socket], piece: bytes
) -> None:
    connection = connect(impatient)
    connection.sendall(BEGUN + impatient.key("jobs:write").encode() + b"\r\n\r\n" + piece)
    assert said_before_the_end(connection).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_closed(
    impatient: Any, connect: Callable[[Any], socket.socket]
) -> None:
    assert said_before_the_end(connect(impatient)) == b""


def test_a_head_that_comes_in_drops_has_the_same_time(
    impatient: Any, connect: Callable[[Any], socket.socket]
) -> None:
    connection = connect(impatient)
    connection.sendall(HEAD + b"X-Slow: ")
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(SECONDS / 20):
            try:
                connection.sendall(b"a")
            except OSError:
                return

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        assert said_before_the_end(connection).startswith(b"HTTP/1.1 408 ")
    finally:
        ended.set()
        dripping.join()


def test_a_body_that_moves_may_take_longer(impatient: Any) -> None:
    paused = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"{"
        for _ in range(8):
            paused.wait(SECONDS / 4)
            yield b" "

    with impatient.client("jobs:write") as client:
        answer = client.post("/api/v1/jobs", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == "malformed_json"


def test_a_connection_between_two_requests_is_left_to_its_own_limit(
    impatient: Any, connect: Callable[[Any], socket.socket]
) -> None:
    connection = connect(impatient)
    connection.sendall(HEAD + b"\r\n")
    assert said(connection).startswith(b"HTTP/1.1 200")
    assert is_open(connection, 2 * SECONDS)
    connection.sendall(HEAD + b"\r\n")
    assert said(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("expects", [b"", b"Content-Length: 2\r\nExpect: 100-continue\r\n"])
def test_a_client_that_waits_for_us_is_left_alone(
    listening: Callable[..., Any], connect: Callable[[Any], socket.socket], expects: bytes
) -> None:
    asked = threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"][LIMITS] = Limits(seconds=SECONDS)
            for part in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{part}.complete"})
            return
        await asyncio.to_thread(asked.wait)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"at last"})

    connection = connect(listening(slow))
    connection.sendall(HEAD + expects + b"\r\n")
    try:
        assert is_open(connection, 2 * SECONDS)
    finally:
        asked.set()
    assert connection.recv(PIECE).startswith(b"HTTP/1.1 200")


def test_more_connections_than_may_be_open_are_refused_until_one_ends(
    served: Callable[..., Any], connect: Callable[[Any], socket.socket], until: Callable[..., Any]
) -> None:
    service = served(connections=2)
    first, second = connect(service), connect(service)
    for connection in (first, second):
        connection.sendall(HEAD + b"\r\n")
        assert said(connection).startswith(b"HTTP/1.1 200")
    answer = said_before_the_end(connect(service))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code": "too_many_connections"' in answer
    second.sendall(HEAD + b"\r\n")
    assert said(second).startswith(b"HTTP/1.1 200")
    first.close()

    def is_served() -> bool:
        connection = connect(service)
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        return said_before_the_end(connection).startswith(b"HTTP/1.1 200")

    until(is_served)
