from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from app.database import Database

JSON, PREDICT, UPLOAD = 2048, 8192, 65536
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def service(sqlite_url: str, serve: Callable[..., Any]) -> Iterator[Any]:
    with closing(Database(sqlite_url)) as database:
        yield serve(database, json_body_bytes=JSON, predict_body_bytes=PREDICT, upload_bytes=UPLOAD)


@pytest.fixture
def client(service: Any) -> Iterator[httpx.Client]:
    with service.client("admin") as client:
        yield client


def padded(length: int, beginning: bytes = b'{"name": 1}') -> bytes:
    return beginning + b" " * (length - len(beginning))


def in_pieces(body: bytes) -> Iterator[bytes]:
    """Sent without a length, which is then found out only by counting."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


def is_too_large(answer: httpx.Response, limit: int) -> bool:
    problem = answer.json()
    assert problem["code"] == "body_too_large" if answer.status_code == 413 else True
    return answer.status_code == 413 and problem["limit"] == limit


def test_each_sort_of_body_has_a_limit_of_its_own(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "kind": "images"})
    json_type = {"Content-Type": "application/json"}
    for path, headers, limit in [
        ("/api/v1/datasets", json_type, JSON),
        ("/api/v1/jobs", json_type, JSON),
        ("/api/v1/jobs", OCTETS, JSON),
        ("/api/v1/datasets/digits/versions", json_type, JSON),
        ("/api/v1/datasets/digits/versions", OCTETS, UPLOAD),
        ("/api/v1/models/x/predict", json_type, PREDICT),
        ("/api/v1/models/x/versions/1/predict", OCTETS, PREDICT),
        ("/api/v1/models/x/aliases/champion/predict", {"Content-Type": "image/png"}, PREDICT),
    ]:
        # An upload that does not begin as an archive is refused for that, as soon as its first piece is read.
        beginning = b"PK\x03\x04" if limit == UPLOAD else b'{"name": 1}'
        for sent in (lambda body: body, in_pieces):
            within = client.post(path, content=sent(padded(limit, beginning)), headers=headers)
            assert not is_too_large(within, limit), path
            beyond = client.post(path, content=sent(padded(limit + 1, beginning)), headers=headers)
            # What is sent in pieces is refused when it is read, so only where there is a reader.
            if path.endswith("predict") and sent is in_pieces:
                assert beyond.status_code == 404
            else:
                assert is_too_large(beyond, limit), (path, sent, beyond.text)


def test_a_declared_length_is_believed_before_anything_is_read(service: Any) -> None:
    lines = [
        "POST /api/v1/jobs HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {service.key('admin')}",
        "Connection: close",
        f"Content-Length: {10**12}",
    ]
    answer = service.raw("\r\n".join([*lines, "", ""]).encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_compressed_body_is_refused(client: httpx.Client) -> None:
    for path in ("/api/v1/jobs", "/api/v1/models/x/predict"):
        for encoding in ("gzip", "br", "identity, gzip"):
            answer = client.post(path, content=b"{}", headers={"Content-Encoding": encoding})
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")
            assert answer.headers["accept-encoding"] == "identity"
    answer = client.post("/api/v1/jobs", json={}, headers={"Content-Encoding": "identity"})
    assert answer.status_code == 422
