"""Every route of the service, with every sort of caller: new routes are covered by being there."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.identifiers import new_id
from app.keys.scopes import ALL_SCOPES, ANY_KEY, PUBLIC, SCOPES
from app.keys.text import new_key_text
from app.tables import Key
from app.tables.base import now

PUBLIC_ROUTES = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /monitoring/prometheus/metrics",
    "GET /login",
    "GET /v2/health/live",
    "GET /v2/health/ready",
}
CLOSED = sorted(name for name, scope in SCOPES.items() if scope != PUBLIC)


def target(name: str) -> tuple[str, str]:
    """Return method and a path that the route of this name answers."""
    method, _, template = name.partition(" ")
    path = re.sub(r"{(job|key)_id}", r"\1_0", template)
    return method, re.sub(r"{[a-z_]+(:path)?}", "7", path)


def told(answer: httpx.Response) -> tuple[int, str | None]:
    """Return status and code; the dialects' clients are told no code."""
    body = answer.json()
    if answer.request.url.path.startswith(("/v1/", "/v2", "/openai/")):
        assert list(body) == ["error"]
    return answer.status_code, body.get("code")


def expected(answer: httpx.Response, status: int, code: str) -> tuple[int, str | None]:
    return status, None if "error" in answer.json() else code


def body_without_id(answer: httpx.Response) -> dict[str, Any]:
    return {key: value for key, value in answer.json().items() if key not in ("request_id", "instance")}


@pytest.fixture
def invalid(service: Any) -> list[str]:
    """Credentials that open nothing, each for a reason of its own."""
    revoked, expired = service.key("admin", name="revoked"), service.key("admin", name="expired")
    with service.database.write() as session:
        for key in session.query(Key):
            if key.name == "revoked":
                key.revoked_at = now()
            if key.name == "expired":
                key.expires_at = now() - timedelta(seconds=1)
    unknown, valid = new_key_text(new_id("key")), service.key("admin")
    misspelt = valid[:-1] + ("a" if valid[-1] != "a" else "b")
    keys = [unknown, revoked, expired, misspelt, "password", valid.upper(), f"{valid} {valid}", f"{valid},"]
    return [f"Bearer {key}" for key in keys] + ["Bearer", valid, f"Basic {valid}", f"Bearer{valid}", ""]


@pytest.fixture
def client(service: Any) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def test_what_is_public_is_this_literal_list() -> None:
    assert {name for name, scope in SCOPES.items() if scope == PUBLIC} == PUBLIC_ROUTES


def test_every_scope_in_the_table_exists() -> None:
    assert set(SCOPES.values()) <= {*ALL_SCOPES, ANY_KEY, PUBLIC}


def test_public_routes_need_no_key(client: httpx.Client) -> None:
    for name in PUBLIC_ROUTES - {"GET /login"}:
        method, path = target(name)
        assert client.request(method, path).status_code == 200, name


def test_every_other_route_refuses_a_caller_without_a_key(client: httpx.Client) -> None:
    for name in CLOSED:
        answer = client.request(*target(name))
        assert told(answer) == expected(answer, 401, "missing_credentials"), name
        assert answer.headers["www-authenticate"] == 'Bearer realm="keraforge"'


def test_every_other_route_refuses_all_invalid_keys_alike(client: httpx.Client, invalid: list[str]) -> None:
    for name in CLOSED:
        answers = [
            client.request(*target(name), headers={"Authorization": credentials}) for credentials in invalid
        ]
        assert {answer.status_code for answer in answers} == {401}, name
        assert {answer.headers["www-authenticate"] for answer in answers} == {
            'Bearer realm="keraforge", error="invalid_token"'
        }
        bodies = [body_without_id(answer) for answer in answers]
        assert bodies == [bodies[0]] * len(bodies), name


def test_every_route_refuses_a_key_with_all_scopes_but_its_own(service: Any, client: httpx.Client) -> None:
    for scope in sorted(set(SCOPES.values()) - {PUBLIC, ANY_KEY}):
        key = service.key(*(other for other in ALL_SCOPES if other not in (scope, "admin")))
        for name in [name for name in CLOSED if SCOPES[name] == scope]:
            answer = client.request(*target(name), headers={"Authorization": f"Bearer {key}"})
            assert told(answer) == expected(answer, 403, "insufficient_scope"), name
            assert scope in answer.text
            challenge = answer.headers["www-authenticate"]
            assert challenge == f'Bearer error="insufficient_scope", scope="{scope}"'


def test_every_route_lets_its_own_scope_and_admin_in(service: Any, client: httpx.Client) -> None:
    keys = {scope: service.key(scope) for scope in ALL_SCOPES}
    for name in CLOSED:
        scope = SCOPES[name] if SCOPES[name] != ANY_KEY else "predict"
        for key in (keys[scope], keys["admin"]):
            answer = client.request(*target(name), headers={"Authorization": f"Bearer {key}"})
            # Below a dialect's address it is the dialect that knows methods.
            wrong = {401, 403, 500} | (set() if "{rest:path}" in name else {405})
            assert answer.status_code not in wrong, name


def test_an_unknown_path_is_not_told_from_a_closed_one_without_a_key(client: httpx.Client) -> None:
    known, unknown = client.get("/api/v1/jobs"), client.get("/api/v1/nowhere")
    assert unknown.status_code == 401
    assert body_without_id(known) == body_without_id(unknown)


def test_every_path_answers_other_methods_with_all_that_it_takes(service: Any) -> None:
    taken: dict[str, set[str]] = {}
    for name in SCOPES:
        method, path = target(name)
        taken.setdefault(path, set()).update({method, "HEAD"} if method == "GET" else {method})
    with service.client("admin") as client:
        for path, methods in taken.items():
            answer = client.request("OPTIONS", path)
            assert told(answer) == expected(answer, 405, "method_not_allowed"), path
            assert set(answer.headers["allow"].split(", ")) == methods


def test_an_unknown_path_is_not_found_with_a_key(service: Any) -> None:
    with service.client("predict") as client:
        for path in ("/", "/api/v1/nowhere", "/api/v1/jobs/", "/docs/", "/v1/models/x", "/v2/nowhere"):
            assert client.get(path).status_code == 404, path
        assert client.get("/v2/nowhere").json().keys() == {"error"}
