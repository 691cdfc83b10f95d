import json

import httpx
import pytest

from app.edge.strict_json import MAX_DEPTH, MAX_INTEGER, check

JSON = {"Content-Type": "application/json"}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"name": NaN}', "NaN is not a number"),
        (b'{"name": -Infinity}', "-Infinity is not a number"),
        (b'{"name": "a", "name": "b"}', "the name 'name' is repeated"),
        (b'{"tags": {"a": 1, "b": 2, "a": 3}}', "the name 'a' is repeated"),
        (b"{", "line 1, column 2"),
        (b"", None),
        (b'{"name": "n"} x', "Extra data"),
        (b'{"name": "\xff"}', "byte 10 is not valid UTF-8"),
        ('{"name": "n"}'.encode("utf-16"), "not valid UTF-8"),
        ('{"name": "n"}'.encode("utf-8-sig"), "BOM"),
        (nested(100_000), "nested too deeply"),
        (b'{"name": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"name": "a\x00b"}', "control character"),
    ],
)
def test_malformed_json_is_refused_with_the_place(
    client: httpx.Client, body: bytes, reason: str | None
) -> None:
    answer = client.post("/body", content=body, headers=JSON)
    if reason is None:
        assert answer.status_code == 422
        return
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"name": "a\\u0000b"}', "/name", "invalid_text"),
        (b'{"tags": {"a\\u0000": 1}}', "/tags", "invalid_text"),
        (b'{"name": ["\\ud800"]}', "/name/0", "invalid_text"),
        (b'{"tags": {"a/~": 1e400}}', "/tags/a~1~0", "not_finite"),
        (b'{"tags": {"a": 9223372036854775808}}', "/tags/a", "too_large"),
        (b'{"tags": {"a": -99999999999999999999}}', "/tags/a", "too_large"),
        (nested(MAX_DEPTH + 1), "/0" * MAX_DEPTH, "too_deep"),
    ],
)
def test_values_that_no_database_keeps_are_pointed_at(
    client: httpx.Client, body: bytes, pointer: str, code: str
) -> None:
    answer = client.post("/any", content=body, headers=JSON)
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -0.5, MAX_INTEGER, -MAX_INTEGER, "\U0001f600 é", [], {}, {"": [1.5e300]}, [[[]]]],
)
def test_ordinary_json_passes(value: object) -> None:
    check(json.dumps(value).encode())
    check(json.dumps(value, ensure_ascii=False).encode())
    check(nested(MAX_DEPTH))


def test_a_large_body_arrives_as_it_was_sent(client: httpx.Client) -> None:
    body = json.dumps({"name": "n", "tags": {str(n): n for n in range(5000)}}).encode()
    assert client.post("/any", content=body, headers=JSON).json() == {"bytes": len(body)}
    assert len(client.post("/body", content=body, headers=JSON).json()["tags"]) == 5000


def test_a_large_body_is_checked_too(client: httpx.Client) -> None:
    body = b"[" + b"1," * 50_000 + b"NaN]"
    assert client.post("/any", content=body, headers=JSON).json()["code"] == "malformed_json"


def test_json_by_any_name_that_the_framework_reads_is_checked(client: httpx.Client) -> None:
    for media_type in ("application/json; charset=utf-16", "APPLICATION/JSON", "application/problem+json"):
        answer = client.post("/body", content=b'{"name": NaN}', headers={"Content-Type": media_type})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_what_is_not_json_is_left_alone(client: httpx.Client) -> None:
    assert client.post("/any", content=b"NaN", headers={"Content-Type": "text/plain"}).json() == {"bytes": 3}
