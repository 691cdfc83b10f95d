from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from app.database import Database
from app.tables import Dataset, Job

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def all_items(client: httpx.Client, path: str, limit: int, key: str = "name") -> list[object]:
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(path, params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) <= limit
        found += [item[key] for item in page["items"]]
        cursor = page["next_cursor"]
    return found


@sqlite_only
def test_a_new_dataset_is_empty(client: httpx.Client) -> None:
    answer = client.post("/api/v1/datasets", json={"name": "mine", "kind": "images"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/datasets/mine"
    assert answer.json()["latest"] is None
    assert client.get(answer.headers["location"]).json() == answer.json()


def test_a_builtin_is_read_by_a_job_in_a_light_slot(client: httpx.Client, database: Database) -> None:
    answer = client.post(
        "/api/v1/datasets", json={"name": "digits", "builtin": "digits", "options": {"seed": 3}}
    )
    assert answer.status_code == 202
    assert answer.headers["location"] == "/api/v1/datasets/digits/versions/1"
    version = client.get(answer.headers["location"]).json()
    assert (version["state"], version["source"]) == ("reading", {"builtin": "digits"})
    assert version["options"]["seed"] == 3
    with database.read() as session:
        job = session.scalars(select(Job)).one()
    assert (job.id, job.kind, job.slot, job.state) == (version["job"], "reading", "light", "queued")


def test_a_taken_name_is_refused_and_nothing_is_lost(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    again = client.post("/api/v1/datasets", json={"name": "digits"})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    assert client.get("/api/v1/datasets/digits").json()["latest"]["number"] == 1


def test_pages_of_datasets_hold_each_once(client: httpx.Client) -> None:
    names = [f"d{number}" for number in range(5)]
    for name in reversed(names):
        client.post("/api/v1/datasets", json={"name": name})
    assert list(all_items(client, "/api/v1/datasets", 2)) == names


def test_pages_of_versions_come_newest_first(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    for seed in range(1, 4):
        body = {"builtin": "digits", "options": {"seed": seed}}
        assert client.post("/api/v1/datasets/digits/versions", json=body).status_code == 202
    assert all_items(client, "/api/v1/datasets/digits/versions", 3, "number") == [4, 3, 2, 1]


@sqlite_only
def test_a_cursor_of_another_list_is_refused(client: httpx.Client) -> None:
    for name in ("a", "b"):
        client.post("/api/v1/datasets", json={"name": name})
    cursor = client.get("/api/v1/datasets?limit=1").json()["next_cursor"]
    refused = client.get("/api/v1/datasets/a/versions", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


@sqlite_only
def test_an_unchanged_version_is_not_sent_twice(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    first = client.get("/api/v1/datasets/digits/versions/1")
    again = client.get("/api/v1/datasets/digits/versions/1", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@sqlite_only
def test_somebody_elses_dataset_does_not_exist(
    client: httpx.Client, ready: Callable[..., object], database: Database
) -> None:
    ready("theirs")
    with database.write() as session:
        session.scalars(select(Dataset)).one().owner = "other"
    assert client.get("/api/v1/datasets/theirs").status_code == 404
    assert client.get("/api/v1/datasets").json()["items"] == []
    assert client.post("/api/v1/datasets", json={"name": "theirs"}).status_code == 201
