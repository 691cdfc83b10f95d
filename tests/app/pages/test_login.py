from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.keys.gate import COOKIE
from app.keys.login import create_login_path
from app.tables import LoginCode
from app.tables.base import now


@pytest.fixture
def link(service: Any) -> str:
    with service.database.write() as session:
        return create_login_path(session, service.key("admin"))


@pytest.fixture
def browser(service: Any) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def is_a_clear_page(answer: httpx.Response) -> bool:
    return answer.headers["content-type"] == "text/html; charset=utf-8" and "<h1>" in answer.text


def test_a_link_opens_a_session_and_leads_to_the_docs(browser: httpx.Client, link: str) -> None:
    answer = browser.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert browser.get("/docs").status_code == 200
    assert browser.get("/api/v1/keys").status_code == 200


def test_a_link_works_once(service: Any, browser: httpx.Client, link: str) -> None:
    browser.get(link)
    with service.client() as another:
        answer = another.get(link)
        assert answer.status_code == 403
        assert is_a_clear_page(answer)
        assert "set-cookie" not in answer.headers
        assert another.get("/docs").status_code == 401


def test_a_link_that_was_fetched_twice_by_one_browser_still_leads_on(
    browser: httpx.Client, link: str
) -> None:
    browser.get(link)
    answer = browser.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs")


def test_a_look_at_a_link_does_not_use_it_up(browser: httpx.Client, link: str) -> None:
    looks = [
        browser.head(link),
        browser.get(link, headers={"Sec-Purpose": "prefetch;prerender"}),
        browser.get(link, headers={"Purpose": "prefetch"}),
    ]
    assert [(look.status_code, look.headers.get("set-cookie")) for look in looks] == [(503, None)] * 3
    assert browser.get(link).status_code == 303


def test_an_expired_link_says_so(service: Any, browser: httpx.Client, link: str) -> None:
    with service.database.write() as session:
        session.query(LoginCode).update({"expires_at": now()})
    answer = browser.get(link)
    assert answer.status_code == 403
    assert is_a_clear_page(answer)


def test_a_link_without_a_code_of_ours_opens_nothing(browser: httpx.Client) -> None:
    for query in ("", "?code=", "?code=wrong", "?code=%3Cscript%3E", "?other=1", f"?code={'x' * 1000}"):
        answer = browser.get(f"/login{query}")
        assert answer.status_code == 403, query
        assert is_a_clear_page(answer)
        assert "<script>" not in answer.text


def test_a_link_of_a_revoked_key_opens_nothing(service: Any, browser: httpx.Client, link: str) -> None:
    with service.database.write() as session:
        session.connection().exec_driver_sql("UPDATE keys SET revoked_at = '2026-01-01 00:00:00'")
    browser.get(link)
    assert browser.get("/docs").status_code == 401
