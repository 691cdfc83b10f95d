from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.database import Database
from app.keys.gate import COOKIE
from app.keys.login import create_login_path, open_session
from app.keys.text import digest_of
from app.tables import BrowserSession
from app.tables.base import now

NEW = {"name": "digits", "kind": "images"}


@pytest.fixture
def browser(service: Any) -> Iterator[httpx.Client]:
    """A client with the cookie of a session instead of a key."""
    with service.database.write() as session:
        path = create_login_path(session, service.key("datasets:write", "datasets:read"))
    with service.database.write() as session:
        cookie = open_session(session, path.partition("=")[2])
    with httpx.Client(base_url=service.url, headers={"Cookie": f"other=1; {COOKIE}={cookie}"}) as client:
        yield client


def test_a_browser_may_read_with_its_session(browser: httpx.Client) -> None:
    assert browser.get("/api/v1/datasets").status_code == 200
    assert browser.get("/api/v1/jobs").status_code == 403


def from_page(service: Any, **headers: str) -> dict[str, str]:
    return {name.replace("_", "-"): value.format(port=service.port) for name, value in headers.items()}


def test_another_sites_page_cannot_change_anything(service: Any, browser: httpx.Client) -> None:
    for headers in (
        from_page(service),
        from_page(service, Sec_Fetch_Site="cross-site"),
        from_page(service, Sec_Fetch_Site="same-site"),
        from_page(service, Sec_Fetch_Site="cross-site", Origin="http://127.0.0.1:{port}"),
        from_page(service, Origin="https://127.0.0.1:{port}"),
        from_page(service, Origin="http://127.0.0.1:1"),
        from_page(service, Origin="http://evil.example"),
        from_page(service, Origin="null"),
    ):
        answer = browser.post("/api/v1/datasets", json=NEW, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request"), headers
    assert browser.get("/api/v1/datasets").json()["items"] == []


def test_our_own_page_can(service: Any, browser: httpx.Client) -> None:
    for number, headers in enumerate(
        (
            from_page(service, Sec_Fetch_Site="same-origin"),
            from_page(service, Sec_Fetch_Site="none"),
            from_page(service, Origin="http://127.0.0.1:{port}"),
        )
    ):
        new = {**NEW, "name": f"digits-{number}"}
        assert browser.post("/api/v1/datasets", json=new, headers=headers).status_code == 201, headers


def test_a_key_needs_no_proof_of_origin(service: Any) -> None:
    with service.client("datasets:write") as client:
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
        assert client.post("/api/v1/datasets", json=NEW, headers=headers).status_code == 201


def test_a_wrong_key_is_not_made_good_by_a_session(browser: httpx.Client) -> None:
    answer = browser.get("/api/v1/datasets", headers={"Authorization": "Bearer password"})
    assert answer.status_code == 401


def test_an_expired_session_opens_nothing(service: Any, browser: httpx.Client) -> None:
    with service.database.write() as session:
        session.query(BrowserSession).update({"expires_at": now()})
    assert browser.get("/api/v1/datasets").json()["code"] == "invalid_credentials"


def test_a_key_is_no_cookie(service: Any) -> None:
    key = service.key("datasets:read")
    with service.database.write() as session:
        # Even if the digests met in the database, each is looked for among its own sort.
        assert session.query(BrowserSession).filter_by(digest=digest_of(key)).count() == 0
    with httpx.Client(base_url=service.url, headers={"Cookie": f"{COOKIE}={key}"}) as client:
        assert client.get("/api/v1/datasets").status_code == 401


def test_two_authorization_headers_are_one_too_many(service: Any) -> None:
    key = service.key("datasets:read")
    headers = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    answer = httpx.get(f"{service.url}/api/v1/datasets", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_header")


def test_the_scheme_of_a_key_may_be_spelt_in_any_case(service: Any) -> None:
    key = service.key("datasets:read")
    for scheme in ("bearer", "BEARER"):
        answer = httpx.get(f"{service.url}/api/v1/datasets", headers={"Authorization": f"{scheme} {key}"})
        assert answer.status_code == 200


def test_a_key_revoked_elsewhere_stops_within_seconds(service: Any, until: Callable[..., Any]) -> None:
    other = Database(str(service.database.engine.url))
    with service.client("datasets:read") as client:
        assert client.get("/api/v1/datasets").status_code == 200
        with other.write() as session:
            session.connection().exec_driver_sql("UPDATE keys SET revoked_at = '2026-01-01 00:00:00'")
        until(lambda: client.get("/api/v1/datasets").status_code == 401, "the revocation")
    other.close()


def test_prediction_can_be_opened_to_anybody_and_nothing_else(
    sqlite_url: str, serve: Callable[..., Any]
) -> None:
    database = Database(sqlite_url)
    service = serve(database, anonymous_scopes=["predict"])
    with service.client() as client:
        assert client.post("/api/v1/models/x/predict").json()["code"] == "model_not_found"
        for path in ("/api/v1/jobs", "/api/v1/keys", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 401
        wrong = {"Authorization": "Bearer password"}
        assert client.post("/api/v1/models/x/predict", headers=wrong).status_code == 401
    service.close()
    database.close()
