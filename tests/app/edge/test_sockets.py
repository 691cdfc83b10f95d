"""What only a client that writes its own bytes can send."""

import json
from typing import Any

import pytest


@pytest.fixture(scope="module")
def service(module_service: Any) -> Any:
    return module_service


@pytest.fixture(scope="module")
def key(service: Any) -> bytes:
    return service.key("admin").encode()


def ask(service: Any, line: bytes, *headers: bytes, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Send a request line and headers; return status and problem document."""
    answer = service.raw(b"\r\n".join([line, *headers, b"Connection: close", b"", body]))
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.count(b"HTTP/1.1 ") == 1, "exactly one answer"
    is_json = b"json" in head.partition(b"content-type:")[2].partition(b"\r\n")[0]
    return int(head.split(b" ", 2)[1]), json.loads(content) if is_json else {}


HOST = b"Host: 127.0.0.1"


@pytest.mark.parametrize(
    "target",
    [
        b"//api/v1/jobs",
        b"/api/v1//jobs",
        b"/api/v1/jobs/",
        b"/healthz/../api/v1/jobs",
        b"/healthz/%2e%2e/api/v1/jobs",
        b"/%61pi/v1/%6aobs/../jobs",
        b"/api%2Fv1%2Fjobs/x%2f..",
        b"/healthz%00/../api/v1/jobs",
        b"/healthz%0a",
        b"/API/V1/JOBS",
        b"/\xc3\xa9",
        b"/%ff%fe",
        b"/docs/..%2f..%2fetc%2fpasswd",
        b"/api/v1/jobs/x/artifacts/..%2f..%2f..%2fetc%2fpasswd",
        b"/;/api/v1/jobs",
        b"*",
        b"@127.0.0.1/api/v1/jobs",
    ],
)
def test_no_spelling_of_a_path_gets_past_the_gate(service: Any, key: bytes, target: bytes) -> None:
    status, _ = ask(service, b"GET %b HTTP/1.1" % target, HOST)
    assert status in (400, 401)
    status, problem = ask(service, b"GET %b HTTP/1.1" % target, HOST, b"Authorization: Bearer " + key)
    assert status in (400, 404)
    assert status == 400 or problem["code"] in ("not_found", "job_not_found", "version_not_found")


def test_a_path_that_is_only_spelt_differently_is_guarded_as_what_it_means(service: Any, key: bytes) -> None:
    line = b"GET /%61pi/v1/job%73 HTTP/1.1"
    assert ask(service, line, HOST)[0] == 401
    assert ask(service, line, HOST, b"Authorization: Bearer " + key)[0] == 200


def test_the_host_in_an_absolute_target_opens_nothing(service: Any) -> None:
    assert ask(service, b"GET http://127.0.0.1/api/v1/jobs HTTP/1.1", HOST)[0] == 401
    assert ask(service, b"GET http://127.0.0.1/healthz HTTP/1.1", b"Host: evil.example")[0] == 421


def test_a_foreign_or_repeated_or_missing_host_is_refused_even_where_no_key_is_needed(service: Any) -> None:
    line = b"GET /healthz HTTP/1.1"
    assert ask(service, line, HOST)[0] == 200
    assert ask(service, line, b"Host: evil.example")[1]["code"] == "wrong_host"
    assert ask(service, line, HOST, b"Host: evil.example")[0] == 400
    assert ask(service, line, b"Host: evil.example", HOST)[0] == 400
    assert ask(service, line)[0] in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: -1",),
        (b"Content-Length: 1e3",),
        (b"Content-Length: 99999999999999999999999999",),
        (b"Content-Length: 2", b"Content-Length: 3"),
        (b"Content-Length: 2", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: gzip",),
        (b"Bad Header: x",),
        (b"X-Nul: a\0b",),
    ],
)
def test_headers_that_make_no_sense_are_a_bad_request(
    service: Any, key: bytes, headers: tuple[bytes, ...]
) -> None:
    authorization = b"Authorization: Bearer " + key
    status, _ = ask(service, b"POST /api/v1/jobs HTTP/1.1", HOST, authorization, *headers, body=b"{}")
    assert 400 <= status < 500


@pytest.mark.parametrize(
    "line", [b"GARBAGE", b"GET /", b"\x16\x03\x01", b"GET /healthz HTTP/9.9", b"BREW / HTTP/1.1"]
)
def test_what_is_no_request_is_answered_and_forgotten(service: Any, line: bytes) -> None:
    answer = service.raw(line + b"\r\n" + HOST + b"\r\n\r\n")
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert ask(service, b"GET /healthz HTTP/1.1", HOST)[0] == 200


def test_a_body_where_none_is_read_does_no_harm(service: Any) -> None:
    status, _ = ask(service, b"GET /healthz HTTP/1.1", HOST, b"Content-Length: 5", body=b"hello")
    assert status == 200


def test_two_requests_in_one_piece_get_two_answers(service: Any) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    answer = service.raw(one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2


def test_bytes_beyond_ascii_in_headers_are_only_bytes(service: Any) -> None:
    weird = (
        b"X-Request-Id: \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
        b"Cookie: keraforge_session=\xff",
        b"Origin: \xff",
    )
    assert ask(service, b"GET /api/v1/jobs HTTP/1.1", HOST, *weird)[1]["code"] == "invalid_credentials"
    credentials = b"Authorization: Bearer \xff\xfe"
    assert ask(service, b"GET /api/v1/jobs HTTP/1.1", HOST, credentials)[1]["code"] == "invalid_credentials"


@pytest.mark.parametrize(
    ("version", "headers", "status"),
    [
        (b"1.1", (b"Transfer-Encoding: Chunked",), 422),
        (b"1.1", (b"Transfer-Encoding: gzip, chunked",), 501),
        (b"1.1", (b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"), 400),
        (b"1.0", (b"Transfer-Encoding: chunked",), 400),
    ],
)
def test_a_body_that_was_packed_for_the_way_is_not_taken_for_the_body(
    service: Any, key: bytes, version: bytes, headers: tuple[bytes, ...], status: int
) -> None:
    known = (HOST, b"Authorization: Bearer " + key, b"Content-Type: application/json")
    line = b"POST /api/v1/jobs HTTP/" + version
    assert ask(service, line, *known, *headers, body=b"2\r\n{}\r\n0\r\n\r\n")[0] == status
