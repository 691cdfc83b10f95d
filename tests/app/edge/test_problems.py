import re

import httpx
import pytest

LEAKS = re.compile(r"Traceback|site-packages|sqlalchemy|hunter2|RuntimeError|KeyError|postgresql://")
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


def problem(answer: httpx.Response) -> dict:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document.keys() >= MEMBERS
    assert document["status"] == answer.status_code
    assert document["instance"] == answer.request.url.path
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["type"] == f"urn:keraforge:problem:{document['code']}"
    assert not LEAKS.search(answer.text)
    return document


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("bug", 500, "internal_error"),
        ("key", 500, "internal_error"),
        ("other-os", 500, "internal_error"),
        ("gateway", 500, "internal_error"),
        ("database", 503, "database_unavailable"),
        ("full", 503, "storage_low"),
        ("overflow", 422, "out_of_range"),
        ("conflict", 409, "name_taken"),
        ("teapot", 400, "bad_request"),
    ],
)
def test_whatever_is_raised_is_answered_as_a_problem_without_its_text(
    client: httpx.Client, what: str, status: int, code: str
) -> None:
    answer = client.get(f"/raise/{what}")
    assert answer.status_code == status
    assert problem(answer)["code"] == code
    assert ("retry-after" in answer.headers) == (status == 503)


def test_an_error_can_carry_members_of_its_own(client: httpx.Client) -> None:
    assert problem(client.get("/raise/conflict"))["current_state"] == "queued"


def test_the_frameworks_own_404_and_405_are_problems(client: httpx.Client) -> None:
    assert problem(client.get("/nowhere"))["code"] == "not_found"
    answer = client.put("/body")
    assert problem(answer)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"


def test_a_dialect_gets_the_error_that_its_clients_read(client: httpx.Client) -> None:
    answer = client.get("/v2/models/x")
    assert (answer.status_code, answer.json()) == (404, {"error": "There is no model x."})
    assert answer.headers["content-type"] == "application/json"
    assert client.get("/v2/nowhere").json() == {"error": "Not found."}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "missing"),
        ({"name": 5}, "/name", "string_type"),
        ({"name": "n", "nmae": 1}, "/nmae", "extra_forbidden"),
        ({"name": "n", "blocks": [{"kind": "block", "units": 11}]}, "/blocks/0/units", "less_than_equal"),
        ({"name": "n", "blocks": [{"kind": "block"}]}, "/blocks/0/units", "missing"),
        ({"name": "n", "blocks": [{"kind": "x"}]}, "/blocks/0", "union_tag_invalid"),
        ({"name": "n", "tags": {"a/b~c": "x"}}, "/tags/a~1b~0c", "int_parsing"),
        ([], "", "model_attributes_type"),
    ],
)
def test_a_field_that_is_not_valid_is_pointed_at(
    client: httpx.Client, body: object, pointer: str, code: str
) -> None:
    answer = client.post("/body", json=body)
    assert answer.status_code == 422
    document = problem(answer)
    assert [(error["pointer"], error["code"]) for error in document["errors"]] == [(pointer, code)]
    assert document["detail"].startswith(f"{pointer or 'The body'}: ")


def test_a_message_says_what_came_but_never_at_length(client: httpx.Client) -> None:
    message = problem(client.post("/body", json={"name": "x" * 10_000}))["errors"][0]["message"]
    assert "at most 5 characters" in message
    assert "; got 'xxx" in message
    assert len(message) < 150


def test_a_parameter_that_is_not_valid_is_named(client: httpx.Client) -> None:
    answer = client.get("/query?limit=-1")
    assert answer.status_code == 422
    assert problem(answer)["errors"] == [
        {
            "pointer": "limit",
            "code": "greater_than_equal",
            "message": "Input should be greater than or equal to 1; got '-1'",
        }
    ]


def test_thousands_of_errors_are_counted_but_not_all_told(client: httpx.Client) -> None:
    document = problem(client.post("/body", json={"name": "n", "tags": {str(n): "x" for n in range(2000)}}))
    assert len(document["errors"]) == 50
    assert document["detail"].endswith("(1999 more)")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", ""]
)
def test_json_in_disguise_is_refused_with_the_type_to_send(client: httpx.Client, media_type: str) -> None:
    answer = client.post("/body", content=b'{"name": "n"}', headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert "application/json" in problem(answer)["detail"]
