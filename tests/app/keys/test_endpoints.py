from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.database import Database
from app.keys.text import digest_of, is_well_formed
from app.tables import Key
from app.tables.base import now


@pytest.fixture
def any_service(database: Database, serve: Callable[..., Any]) -> Iterator[Any]:
    """The web process, once on each kind of database."""
    service = serve(database)
    yield service
    service.close()


@pytest.fixture
def admin(any_service: Any) -> Iterator[httpx.Client]:
    with any_service.client("admin") as client:
        yield client


def create(admin: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = admin.post("/api/v1/keys", json={"name": "laptop", "scopes": ["predict"], **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_new_key_is_told_once_and_works_at_once(any_service: Any, admin: httpx.Client) -> None:
    created = create(admin, scopes=["datasets:read", "predict", "predict"])
    assert is_well_formed(created["key"])
    assert created["scopes"] == ["datasets:read", "predict"]
    with any_service.client(key=created["key"]) as client:
        assert client.get("/api/v1/datasets").status_code == 200
        assert client.get("/api/v1/keys").status_code == 403
    listed = admin.get("/api/v1/keys").json()["items"]
    assert [key["name"] for key in listed] == ["laptop", "test"]
    assert "key" not in listed[0]


def test_only_a_digest_of_a_key_is_stored(any_service: Any, admin: httpx.Client) -> None:
    created = create(admin)
    with any_service.database.read() as session:
        row = session.get_one(Key, created["id"])
        assert row.digest == digest_of(created["key"])
        columns = [str(getattr(row, column.key)) for column in Key.__table__.columns]
    assert not [value for value in columns if created["key"].split("_")[2] in value]


def test_a_new_key_belongs_to_the_owner_of_the_one_that_made_it(
    any_service: Any, admin: httpx.Client
) -> None:
    created = create(admin)
    with any_service.database.read() as session:
        assert session.get_one(Key, created["id"]).owner == "local"


def test_a_revoked_key_stops_at_once_and_stays_in_the_list(any_service: Any, admin: httpx.Client) -> None:
    created = create(admin, scopes=["datasets:read"])
    with any_service.client(key=created["key"]) as client:
        assert client.get("/api/v1/datasets").status_code == 200
        assert admin.delete(f"/api/v1/keys/{created['id']}").status_code == 204
        assert client.get("/api/v1/datasets").status_code == 401
    assert admin.get("/api/v1/keys").json()["items"][0]["revoked_at"] is not None
    again = admin.delete(f"/api/v1/keys/{created['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


def test_the_last_admin_key_cannot_be_revoked(admin: httpx.Client) -> None:
    (own,) = admin.get("/api/v1/keys").json()["items"]
    answer = admin.delete(f"/api/v1/keys/{own['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin_key")
    create(admin, scopes=["admin"], name="second")
    assert admin.delete(f"/api/v1/keys/{own['id']}").status_code == 204


def test_a_key_that_expires_is_refused_afterwards(
    any_service: Any, admin: httpx.Client, until: Callable[..., Any]
) -> None:
    created = create(admin, scopes=["datasets:read"], expires_at=(now() + timedelta(seconds=2)).isoformat())
    with any_service.client(key=created["key"]) as client:
        assert client.get("/api/v1/datasets").status_code == 200
        until(lambda: client.get("/api/v1/datasets").status_code == 401, "the key to expire")


def test_a_key_that_makes_no_sense_is_refused(admin: httpx.Client) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": "admin"}, "/scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "/expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
        ({"owner": "root"}, "/owner"),
        ({"key": "kf_mine"}, "/key"),
    ]
    for changes, pointer in refused:
        answer = admin.post("/api/v1/keys", json={"name": "laptop", "scopes": ["predict"], **changes})
        assert answer.status_code == 422, changes
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert ".;" not in answer.json()["detail"]
    assert len(admin.get("/api/v1/keys").json()["items"]) == 1


def test_keys_are_listed_in_pages(admin: httpx.Client) -> None:
    for number in range(4):
        create(admin, name=f"key {number}")
    names, cursor = [], None
    while True:
        page = admin.get("/api/v1/keys", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        names += [key["name"] for key in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert names == ["key 3", "key 2", "key 1", "key 0", "test"]
