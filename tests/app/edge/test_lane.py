import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
import pytest

from app.database import Database

NATIVE, TENSORFLOW, INFERENCE = (
    "/api/v1/models/digits/predict",
    "/v1/models/digits:predict",
    "/v2/models/digits/infer",
)
ROW = np.random.default_rng(7).integers(0, 17, (1, 8, 8, 1)).astype(np.float32)
ROWS = json.dumps({"instances": ROW.tolist()}).encode()
TENSOR = {"name": "image", "shape": [1, 8, 8, 1], "datatype": "FP32"}
BINARY = json.dumps(
    {
        "inputs": [{**TENSOR, "parameters": {"binary_data_size": ROW.nbytes}}],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
    }
).encode()
IN_JSON = json.dumps({"id": "7", "inputs": [{**TENSOR, "data": ROW.ravel().tolist()}]}).encode()
HEAD_BYTES = {"Inference-Header-Content-Length": str(len(BINARY))}
ASKED: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "native": (NATIVE, ROWS, {"Content-Type": "application/json"}),
    "an alias": ("/api/v1/models/digits/aliases/champion/predict", ROWS, {}),
    "a version": ("/api/v1/models/digits/versions/1/predict", ROWS, {"Accept": "*/*"}),
    "TensorFlow Serving": (TENSORFLOW, ROWS, {"User-Agent": "curl"}),
    "inference": (INFERENCE, IN_JSON, {"Accept-Encoding": "gzip, deflate"}),
    "inference of bytes": (INFERENCE, BINARY + ROW.tobytes(), HEAD_BYTES),
}
# No dialect minds this header, but it makes a request unusual.
UNUSUAL = {"X-Unusual": "1"}


class Said(NamedTuple):
    """An answer: its status line, headers in their order, and body."""

    status: bytes
    headers: list[bytes]
    body: bytes

    @property
    def is_quick(self) -> bool:
        """Whether it was given past the application, which writes what is safe last."""
        names = [line.partition(b":")[0] for line in self.headers]
        return names.index(b"cache-control") < names.index(b"content-type")

    @property
    def timeless(self) -> list[bytes]:
        """Its headers in the order of the alphabet, without the time."""
        return sorted(line for line in self.headers if not line.startswith(b"date:"))


@pytest.fixture(scope="module")
def key(module_service: Any, module_registry: Any) -> str:
    module_registry.publish(seed=1)
    key: str = module_service.key("predict", "models:read")
    with module_service.client(key=key) as client:
        assert client.get("/v2/models/digits").status_code == 200
    return key


@pytest.fixture
def connection(module_service: Any) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", module_service.port), timeout=30) as connection:
        yield connection


def asking(path: str, body: bytes, headers: dict[str, str], *, host: str = "127.0.0.1") -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answers(connection: socket.socket, count: int = 1) -> list[Said]:
    """Return the next answers of a connection."""
    found, received = [], b""
    while len(found) < count:
        head, ended, rest = received.partition(b"\r\n\r\n")
        length = int(re.search(rb"\r\ncontent-length: (\d+)", head)[1]) if ended else 0  # type: ignore[index]
        if ended and len(rest) >= length:
            status, *headers = head.split(b"\r\n")
            found.append(Said(status, headers, rest[:length]))
            received = rest[length:]
            continue
        piece = connection.recv(65536)
        assert piece, f"the connection ended after {received!r}"
        received += piece
    assert not received
    return found


def ask(connection: socket.socket, path: str, body: bytes, headers: dict[str, str], **how: Any) -> Said:
    connection.sendall(asking(path, body, headers, **how))
    return answers(connection)[0]


def authorized(key: str, headers: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "X-Request-ID": "request-7", **headers}


@pytest.mark.parametrize("name", ASKED)
def test_the_quick_answer_is_the_applications(connection: socket.socket, key: str, name: str) -> None:
    path, body, headers = ASKED[name]
    # What is kept of the first request answers the second.
    quick = [ask(connection, path, body, authorized(key, headers)) for _ in range(2)]
    usual = ask(connection, path, body, authorized(key, headers | UNUSUAL))
    assert [said.is_quick for said in (*quick, usual)] == [True, True, False]
    for said in quick:
        assert said.status == usual.status == b"HTTP/1.1 200 OK"
        assert said.timeless == usual.timeless
        assert len(said.headers) == len(usual.headers)
        assert said.body == usual.body


@pytest.mark.parametrize("size", [1, 3])
def test_repeated_inferences_answer_their_own_bytes(
    connection: socket.socket, key: str, module_registry: Any, size: int
) -> None:
    rows = np.random.default_rng(size).integers(0, 17, (4, size, 8, 8, 1)).astype(np.float32)
    told = json.loads(BINARY)
    told["inputs"][0] |= {"shape": [size, 8, 8, 1], "parameters": {"binary_data_size": rows[0].nbytes}}
    head = json.dumps(told).encode()
    headers = authorized(key, {"Inference-Header-Content-Length": str(len(head))})
    for each in rows:
        said = ask(connection, INFERENCE, head + each.tobytes(), headers)
        length = next(int(line[32:]) for line in said.headers if line.startswith(b"inference-header"))
        found = np.frombuffer(said.body[length:], np.float32).reshape(size, -1)
        np.testing.assert_allclose(found, module_registry.expected(1, each), atol=1e-6)
    wrong = ask(connection, INFERENCE, head + rows[0].tobytes()[:-4], headers)
    assert wrong.status.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": "Bearer kf_wrong"}, 401),
        ({"Authorization": "Basic x"}, 401),
        ({"Content-Type": "text/csv"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Accept": "image/png"}, 406),
        ({"Accept": "text/html, */*;q=0.1"}, 200),
        ({"x-request-id": "request-8"}, 200),
        ({"host": "127.0.0.1"}, 400),
    ],
)
def test_what_is_unusual_is_judged_by_the_application(
    connection: socket.socket, key: str, changed: dict[str, str], status: int
) -> None:
    said = ask(connection, NATIVE, ROWS, authorized(key, changed))
    assert said.status.startswith(b"HTTP/1.1 %d " % status)
    assert not said.is_quick


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (NATIVE + "?top_k=2", ROWS, 200),
        (NATIVE + "?unknown=2", ROWS, 422),
        ("/api/v1/models/nothing/predict", ROWS, 404),
        ("/api/v1/models/digits/versions/x/predict", ROWS, 404),
        ("/api/v1/models/digits/versions/1/predict/", ROWS, 404),
        (NATIVE, b"{", 400),
        (NATIVE, b'{"instances": [[1]]}', 422),
        (TENSORFLOW, b"{", 400),
        (INFERENCE, b"{}", 400),
        (NATIVE, ROWS.replace(b"{", b" " * 70_000 + b"{"), 200),
    ],
)
def test_so_is_what_is_wrong_or_long(
    connection: socket.socket, key: str, path: str, body: bytes, status: int
) -> None:
    said = ask(connection, path, body, authorized(key, {"Content-Type": "application/json"}))
    assert said.status.startswith(b"HTTP/1.1 %d " % status)
    assert not said.is_quick


def test_another_host_is_refused(connection: socket.socket, key: str) -> None:
    said = ask(connection, NATIVE, ROWS, authorized(key, {}), host="elsewhere.example")
    assert said.status.startswith(b"HTTP/1.1 421 ")


def test_a_key_without_the_scope_is_refused(connection: socket.socket, module_service: Any, key: str) -> None:
    lesser = module_service.key("models:read")
    said = ask(connection, NATIVE, ROWS, authorized(lesser, {}))
    assert said.status.startswith(b"HTTP/1.1 403 ")


def test_a_revoked_key_opens_nothing(connection: socket.socket, module_service: Any, key: str) -> None:
    revoked = module_service.key("predict", name="revoked")
    assert ask(connection, NATIVE, ROWS, authorized(revoked, {})).status == b"HTTP/1.1 200 OK"
    with module_service.client("admin") as client:
        (found,) = (each for each in client.get("/api/v1/keys").json()["items"] if each["name"] == "revoked")
        assert client.delete(f"/api/v1/keys/{found['id']}").status_code == 204
    said = ask(connection, NATIVE, ROWS, authorized(revoked, {}))
    assert said.status.startswith(b"HTTP/1.1 401 ")


def test_requests_in_one_piece_are_answered_in_their_order(connection: socket.socket, key: str) -> None:
    names = [f"request-{number}" for number in range(6)]
    connection.sendall(
        b"".join(asking(NATIVE, ROWS, authorized(key, {"X-Request-ID": name})) for name in names)
    )
    found = answers(connection, len(names))
    assert [f"x-request-id: {name}".encode() in said.headers for name, said in zip(names, found, strict=True)]
    # One of a piece is quick; then others have their turn.
    assert [said.is_quick for said in found] == [True] + 5 * [False]
    assert {said.body for said in found} == {found[0].body}


def test_a_body_may_come_in_pieces(connection: socket.socket, key: str) -> None:
    request = asking(NATIVE, ROWS, authorized(key, {}))
    for begin in range(0, len(request), 200):
        connection.sendall(request[begin : begin + 200])
        time.sleep(0.001)
    assert answers(connection)[0].is_quick


def test_it_is_counted(connection: socket.socket, module_service: Any, key: str) -> None:
    def counted() -> dict[str, float]:
        with module_service.client() as client:
            text = client.get("/metrics").text
        found = re.findall(
            r'keraforge_http_requests_total{method="POST",route="([^"]+)",status="200"} (\S+)', text
        )
        return {route: float(count) for route, count in found}

    before = counted()
    for path, body, headers in ASKED.values():
        assert ask(connection, path, body, authorized(key, headers)).is_quick
    after = counted()
    routes = (
        "/api/v1/models/{name}/predict",
        "/v1/models/{name}:predict",
        "/v2/models/{name}/infer",
    )
    assert [after[route] - before.get(route, 0) for route in routes] == [1, 1, 2]


@pytest.fixture
def impatient(serve: Callable[..., Any], sqlite_url: str) -> Iterator[Any]:
    with closing(Database(sqlite_url)) as database:
        yield serve(database, stalled_seconds=0.6)


@pytest.mark.parametrize("begun", [0, 100])
def test_a_short_body_that_stands_still_is_refused(impatient: Any, begun: int) -> None:
    request = asking(NATIVE, ROWS, {})
    head = len(request) - len(ROWS)
    answer = impatient.raw(request[: head + begun])
    assert answer.startswith(b"HTTP/1.1 408 ")
