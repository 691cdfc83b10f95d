"""Requests that nobody planned for, to every route: each is answered, and never as our own fault."""

import json
import random
import re
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from app.keys.scopes import SCOPES

ROUNDS = 8
LEAKS = re.compile(
    r"Traceback|site-packages|sqlalchemy|psycopg|sqlite|pydantic|/tmp/|0x[0-9a-f]{8}", re.IGNORECASE
)
TEXTS = [
    "digits", "job_01", "", " ", "0", "-1", "1", "2147483648", "9" * 30, "1e9", "NaN", "null", "..", "a/../b",
    "a" * 300, "é\u0301", "\u202etxt", "😀", "\ufffd", "%", "'; DROP TABLE jobs; --", "<script>", "champion",
    "digits@1", "digits@99999999999999999999", "@", "*", "%00", "\x7f", "\n",
]  # fmt: skip
NUMBERS = [0, -1, 1, 2**31, 2**63 - 1, -(2**63) + 1, 2**63, 10**40, 0.5, -0.0, 1e308]
NAMES = [
    "name", "kind", "model", "dataset", "network", "training", "family", "preset", "builtin", "content",
    "options", "tags", "notes", "priority", "promote", "version", "force", "scopes", "expires_at", "input",
    "shape", "classes", "dtype", "filters", "blocks", "epochs", "optimizer", "instances", "seed", "__proto__",
]  # fmt: skip
QUERIES = [
    "limit",
    "cursor",
    "state",
    "kind",
    "after",
    "key",
    "max_points",
    "offset",
    "filename",
    "invert",
    "follow",
]
HEADERS = ["If-Match", "If-None-Match", "Idempotency-Key", "Range", "Last-Event-ID", "Accept", "Content-Type"]
BODIES = [
    b"", b"{", b"[]", b"null", b"0", b'""', b"\xff\xfe", b"{}" * 3, b"[" * 5000, b'{"name":"\\ud800"}',
    b'{"name":"a\\u0000"}', b'{"epochs":1e400}', b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff",
]  # fmt: skip
TYPES = [
    "application/json",
    "text/plain",
    "image/png",
    "application/octet-stream",
    "multipart/form-data",
    "a/b/c",
]


class Chance:
    """Random requests that are the same every time, half of them for things that are there."""

    def __init__(self, seed: int, there: dict[str, str]) -> None:
        self.random = random.Random(seed)
        self.there = there

    def value(self, depth: int = 0) -> Any:
        kind = self.random.randrange(7 if depth < 4 else 5)
        if kind < 2:
            return self.random.choice(TEXTS)
        if kind < 4:
            return self.random.choice(NUMBERS)
        if kind == 4:
            return self.random.choice([None, True, False, [], {}])
        if kind == 5:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.random.choice(NAMES): self.value(depth + 1) for _ in range(self.random.randrange(6))}

    def body(self) -> bytes:
        if self.random.random() < 0.3:
            return self.random.choice(BODIES)
        return json.dumps({self.random.choice(NAMES): self.value() for _ in range(6)}).encode()

    def path(self, template: str) -> str:
        def filled(parameter: re.Match[str]) -> str:
            known = self.there.get(parameter[1])
            return (
                known if known and self.random.random() < 0.7 else quote(self.random.choice(TEXTS), safe="")
            )

        return re.sub(r"{(\w+)[^}]*}", filled, template)

    def request(self, template: str) -> dict[str, Any]:
        some = self.random.sample
        headers = {name: self.random.choice(TEXTS).encode() for name in some(HEADERS, 2)}
        if self.random.random() < 0.8:
            headers["Content-Type"] = self.random.choice(["application/json", *TYPES]).encode()
        return {
            "url": self.path(template),
            "params": {name: self.random.choice(TEXTS) for name in some(QUERIES, 2)},
            # The server itself refuses control characters in headers.
            "headers": {name: value for name, value in headers.items() if value.strip() and value != b"\x7f"},
            "content": self.body(),
        }


def ask(client: httpx.Client, rounds: int, seed: int, there: dict[str, str]) -> None:
    """Send random requests to each route; whatever is wrong with one is told as a problem."""
    # What deletes comes last.
    for name in sorted(SCOPES, key=lambda name: (name.startswith("DELETE"), name)):
        method, _, template = name.partition(" ")
        chance = Chance(seed := seed + 1, there)
        for _ in range(rounds):
            request = chance.request(template)
            answer = client.request(method, **request)
            assert answer.status_code < 500, (method, request, answer.text)
            if answer.status_code >= 400 and template != "/login":
                of_dialect = answer.request.url.path.startswith(
                    ("/v1/models", "/v1/completions", "/v2", "/openai/")
                )
                media_type = "application/json" if of_dialect else "application/problem+json"
                assert answer.headers["content-type"] == media_type, request
                assert not LEAKS.search(answer.text), (request, answer.text)


def prepared(service: Any, registry: Any, rows: Any) -> dict[str, str]:
    """Let there be a dataset, a job and a model, all of one name; return how paths name them."""
    registry.publish("digits")
    with service.client("admin") as client:
        new = {"name": "digits", "kind": "images", "builtin": "digits"}
        assert client.post("/api/v1/datasets", json=new).status_code == 202
    job = rows.training(model="digits")
    return {"name": "digits", "number": "1", "alias": "champion", "job_id": job, "path": "predict.onnx"}


def test_nothing_that_is_sent_is_our_fault(service: Any, registry: Any, rows_in: Any) -> None:
    there = prepared(service, registry, rows_in(registry.database))
    with service.client("admin") as client:
        ask(client, ROUNDS, 0, there)


@pytest.mark.long
def test_nothing_that_is_sent_for_a_long_time_is_our_fault(
    any_registry: Any, rows: Any, serve: Callable[..., Any]
) -> None:
    with closing(serve(any_registry.database)) as service, service.client("admin") as client:
        ask(client, 15 * ROUNDS, 1000, prepared(service, any_registry, rows))


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
@pytest.mark.parametrize("length", [b"Content-Length: 45", b"Transfer-Encoding: chunked"])
def test_a_body_behind_an_upgrade_is_not_taken_for_a_request(
    module_service: Any, before: bytes, length: bytes
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    head = b"POST /v2/models/x/infer HTTP/1.1\r\nHost: 127.0.0.1\r\n" + upgrade + length + b"\r\n\r\n"
    hidden = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", module_service.port), timeout=30) as connection:
        connection.sendall(before + head)
        said = connection.recv(65536)
        with suppress(ConnectionError):
            connection.sendall(hidden)
            said += b"".join(iter(lambda: connection.recv(65536), b""))
    # What is asked before it may lose its answer: the connection ends there.
    assert before or (said.count(b"\r\n\r\n") == 1 and b"upgrade_refused" in said)
    assert b'"ok"' not in said or (before and said.count(b'"ok"') == 1)
