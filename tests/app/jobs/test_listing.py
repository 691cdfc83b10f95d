from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.database import Database
from app.jobs import repository
from app.jobs.claiming import claim
from app.tables import Dataset, Job

# Where no query differs between the databases.
postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ids(client: httpx.Client, **query: Any) -> list[str]:
    answer = client.get("/api/v1/jobs", params=query)
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"]]


def test_pages_hold_every_job_once_while_new_ones_come(client: httpx.Client, rows: Any) -> None:
    jobs = [rows.training() for _ in range(5)]
    first = client.get("/api/v1/jobs", params={"limit": 2}).json()
    newer = rows.training()
    second = client.get("/api/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    third = client.get("/api/v1/jobs", params={"limit": 2, "cursor": second["next_cursor"]}).json()
    found = [job["id"] for page in (first, second, third) for job in page["items"]]
    assert found == jobs[::-1]
    assert third["next_cursor"] is None
    assert ids(client)[0] == newer


def test_filters_narrow_the_list(client: httpx.Client, rows: Any, database: Database) -> None:
    reading, training, other = rows.reading(), rows.training("reader"), rows.training("other")
    with database.write() as session:
        session.get_one(Job, other).state = "failed"
    assert ids(client, kind="reading") == [reading]
    assert ids(client, model="reader") == [training]
    assert ids(client, state="failed") == [other]
    assert ids(client, state=["failed", "queued"]) == [other, training, reading]
    assert ids(client, model="reader", state="failed") == []


@sqlite_only
def test_a_cursor_belongs_to_its_filters(client: httpx.Client, rows: Any) -> None:
    for _ in range(2):
        rows.training("reader")
    cursor = client.get("/api/v1/jobs", params={"limit": 1}).json()["next_cursor"]
    refused = client.get("/api/v1/jobs", params={"limit": 1, "cursor": cursor, "model": "reader"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


def test_the_place_in_the_queue_follows_priority_and_age(client: httpx.Client, rows: Any) -> None:
    old, urgent, young = rows.training(), rows.training(priority=5), rows.training()
    rows.reading()
    places = {
        job["id"]: job["queue_position"] for job in client.get("/api/v1/jobs?kind=training").json()["items"]
    }
    assert places == {urgent: 1, old: 2, young: 3}
    assert client.get(f"/api/v1/jobs/{young}").json()["queue_position"] == 3
    client.patch(f"/api/v1/jobs/{young}", json={"priority": 9})
    assert client.get(f"/api/v1/jobs/{young}").json()["queue_position"] == 1


@sqlite_only
def test_somebody_elses_jobs_do_not_exist(client: httpx.Client, rows: Any, database: Database) -> None:
    theirs = rows.training()
    with database.write() as session:
        session.get_one(Job, theirs).owner = "other"
    assert ids(client) == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/events")):
        body = {"json": {}} if method == "PATCH" else {}
        answer = client.request(method, f"/api/v1/jobs/{theirs}{path}", **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


@sqlite_only
def test_the_name_of_a_deleted_dataset_is_still_told(
    jobs: Any, digits: Dataset, client: httpx.Client
) -> None:
    job = jobs.submit()
    client.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert client.delete("/api/v1/datasets/digits").status_code == 204
    found = jobs.get(job["id"])
    assert (found["dataset"], "dataset" in found["links"]) == ("digits@1", False)


@sqlite_only
def test_queries_that_mean_nothing_are_refused(client: httpx.Client) -> None:
    for query in (
        "kind=magic",
        "state=gone",
        "limit=0",
        "limit=201",
        "limit=x",
        "model=A+B",
        "state=queued&state=x",
        "status=failed",
    ):
        assert client.get(f"/api/v1/jobs?{query}").status_code == 422, query
    for cursor in ("x", "job_01", "%00", "A" * 900):
        answer = client.get(f"/api/v1/jobs?cursor={cursor}")
        assert answer.status_code == 400, cursor


@sqlite_only
def test_an_unknown_job_is_not_found(client: httpx.Client) -> None:
    for job_id in ("job_01jd3n6y0q8v5w2x4z7b9c1d3f", "x", "job_", "1"):
        for path in ("", "/events", "/metrics", "/logs", "/artifacts", "/artifacts/report.json"):
            assert client.get(f"/api/v1/jobs/{job_id}{path}").status_code == 404


def test_places_in_the_queue_are_those_in_which_jobs_are_claimed(rows: Any, database: Database) -> None:
    version = rows.version()
    jobs = [rows.training(version=version, priority=number * 7 % 3 - 1) for number in range(10)]
    readings = [rows.reading() for _ in range(3)]
    asked = [rows.get(Job, job_id) for job_id in jobs[::2] + readings[1:]]
    with database.read() as session:
        places = repository.queue_positions(session, asked)
        for job in asked:
            assert repository.queue_positions(session, [job]) == {job.id: places[job.id]}
    claimed: dict[str, int] = {}
    for slot, waiting in (("training", jobs), ("light", readings)):
        for place in range(1, len(waiting) + 1):
            with database.write() as session:
                job = claim(session, slot, "w")
                assert job is not None
                claimed[job.id] = place
    assert places == {job.id: claimed[job.id] for job in asked}
    with database.read() as session:
        assert repository.queue_positions(session, asked) == {}
        assert repository.queue_positions(session, asked[:1]) == {}


@postgres_only
def test_a_job_that_is_claimed_while_a_list_is_made_has_no_place(rows: Any, database: Database) -> None:
    first, second = rows.training(), rows.training()
    with database.read() as session:
        # SQLite shows a transaction the moment of its begin, PostgreSQL that of each statement.
        seen = session.scalars(select(Job).order_by(Job.id)).all()
        with database.write() as other:
            assert claim(other, "training", "me").id == first
        assert repository.queue_positions(session, seen) == {second: 1}
        assert repository.queue_positions(session, seen[:1]) == {}
