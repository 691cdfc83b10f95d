from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.finishing import cancelled
from app.jobs.moving import move
from app.jobs.resolving import resolve_waiting
from app.tables import Dataset, DatasetVersion, Job

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite_only
def test_only_what_was_sent_changes(client: httpx.Client, rows: Any) -> None:
    job = rows.training(notes="old", tags={"a": "1"})
    changed = client.patch(f"/api/v1/jobs/{job}", json={"notes": None}).json()
    assert (changed["notes"], changed["tags"], changed["priority"]) == (None, {"a": "1"}, 0)
    changed = client.patch(f"/api/v1/jobs/{job}", json={"tags": {}, "priority": -100}).json()
    assert (changed["tags"], changed["priority"]) == ({}, -100)
    assert client.get(f"/api/v1/jobs/{job}").json() == changed


@sqlite_only
def test_wrong_changes_are_refused(client: httpx.Client, rows: Any) -> None:
    job = rows.training()
    for body in (
        {"priority": None},
        {"priority": 101},
        {"state": "failed"},
        {"tags": None},
        [],
        {"notes": 1},
    ):
        assert client.patch(f"/api/v1/jobs/{job}", json=body).status_code == 422, body


@sqlite_only
def test_a_change_of_what_was_not_seen_is_refused(client: httpx.Client, rows: Any) -> None:
    job = rows.training()
    seen = client.get(f"/api/v1/jobs/{job}").headers["etag"]
    changed = client.patch(f"/api/v1/jobs/{job}", json={"notes": "mine"}, headers={"If-Match": seen})
    assert changed.status_code == 200
    late = client.patch(f"/api/v1/jobs/{job}", json={"notes": "late"}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    again = {"If-Match": changed.headers["etag"]}
    assert client.patch(f"/api/v1/jobs/{job}", json={"notes": "seen"}, headers=again).status_code == 200
    assert client.get(f"/api/v1/jobs/{job}").json()["notes"] == "seen"


@sqlite_only
def test_an_unchanged_job_is_not_sent_again(client: httpx.Client, rows: Any, database: Database) -> None:
    job = rows.training()
    tag = client.get(f"/api/v1/jobs/{job}").headers["etag"]
    headers = {"If-None-Match": tag}
    assert client.get(f"/api/v1/jobs/{job}", headers=headers).status_code == 304
    with database.write() as session:
        session.get_one(Job, job).progress = {"epoch": 1}
    assert client.get(f"/api/v1/jobs/{job}", headers=headers).status_code == 200


def test_a_queued_job_is_cancelled_at_once(client: httpx.Client, rows: Any) -> None:
    job = rows.training()
    answer = client.post(f"/api/v1/jobs/{job}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert answer.json()["finished_at"] is not None
    assert [event.data for event in rows.events(job, "state")] == [
        {"state": "queued"},
        {"state": "cancelled"},
    ]


def test_a_running_job_is_told_to_end_and_wakes_its_slot(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    with database.write() as session:
        claim(session, "training", "w")
    for _ in range(2):
        answer = client.post(f"/api/v1/jobs/{job}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
    assert [event.data["state"] for event in rows.events(job, "state")] == ["queued", "running", "cancelling"]
    with database.write() as session:
        assert cancelled(session, job, 1)
    assert client.get(f"/api/v1/jobs/{job}").json()["state"] == "cancelled"


@sqlite_only
def test_what_has_ended_cannot_be_cancelled(client: httpx.Client, rows: Any, database: Database) -> None:
    for state in ("succeeded", "failed", "cancelled"):
        job = rows.training()
        with database.write() as session:
            session.get_one(Job, job).state = state
        refused = client.post(f"/api/v1/jobs/{job}/cancel")
        assert (refused.status_code, refused.json()["current_state"]) == (409, state)


def test_cancelling_a_reading_ends_those_who_wait_for_it(jobs: Any, client: httpx.Client, rows: Any) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    waiting = jobs.submit()
    reading = client.get("/api/v1/datasets/digits/versions/1").json()["job"]
    assert client.post(f"/api/v1/jobs/{reading}/cancel").json()["state"] == "cancelled"
    version = client.get("/api/v1/datasets/digits/versions/1").json()
    assert (version["state"], version["error"]["message"]) == ("invalid", "Its reading was cancelled.")
    failed = jobs.get(waiting["id"])
    assert (failed["state"], failed["error"]["code"]) == ("failed", "bad_data")
    assert [event.data["state"] for event in rows.events(waiting["id"], "state")] == ["queued", "failed"]


def test_cancelling_and_claiming_at_once_never_loses_the_cancel(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    def run() -> None:
        with database.write() as session:
            claim(session, "training", "w")

    for _ in range(10):
        job = rows.training()
        with ThreadPoolExecutor(2) as pool:
            running = pool.submit(run)
            answer = pool.submit(client.post, f"/api/v1/jobs/{job}/cancel").result()
            running.result()
        state = client.get(f"/api/v1/jobs/{job}").json()["state"]
        assert (answer.status_code, answer.json()["state"]) == (202, state)
        assert state in ("cancelled", "cancelling")


@sqlite_only
def test_only_what_has_ended_is_deleted(client: httpx.Client, rows: Any, database: Database) -> None:
    job = rows.training()
    refused = client.delete(f"/api/v1/jobs/{job}")
    assert (refused.status_code, refused.json()["current_state"]) == (409, "queued")
    client.post(f"/api/v1/jobs/{job}/cancel")
    assert client.delete(f"/api/v1/jobs/{job}").status_code == 204
    assert client.get(f"/api/v1/jobs/{job}").status_code == 404
    assert client.get("/api/v1/jobs").json()["items"] == []
    assert client.delete(f"/api/v1/jobs/{job}").status_code == 404


def test_a_move_happens_only_from_its_source(rows: Any, database: Database) -> None:
    job_id = rows.training()
    with database.write() as session:
        job = session.get_one(Job, job_id)
        assert not move(session, job, "running", "failed", error={"code": "crashed"})
        assert (job.state, job.error, job.revision) == ("queued", None, 1)
        assert move(session, job, "queued", "failed", error={"code": "bad_data"})
        assert (job.state, job.revision) == ("failed", 2)
    states = [event.data for event in rows.events(job_id, "state")]
    assert states == [{"state": "queued"}, {"state": "failed", "error": {"code": "bad_data"}}]


def test_a_waiting_job_is_resolved_when_its_dataset_is_ready(
    jobs: Any, client: httpx.Client, rows: Any, digits: Dataset, database: Database
) -> None:
    reading = rows.get(DatasetVersion, rows.version("reading", dataset=digits.id, schema=None))
    fits = jobs.submit(f"digits@{reading.number}")
    blocks = [{"filters": 4, "kernel": 9, "padding": "valid"}]
    does_not = jobs.submit(f"digits@{reading.number}", network={"family": "cnn", "blocks": blocks})
    schema = rows.get(DatasetVersion, rows.version(dataset=digits.id)).schema
    with database.write() as session:
        version = session.get_one(DatasetVersion, reading.id)
        version.state, version.schema = "ready", schema
        session.flush()
        resolve_waiting(session, version, max_parameters=10**8)
    resolved = jobs.get(fits["id"])
    assert (resolved["state"], resolved["phase"]) == ("queued", None)
    assert resolved["resolved"]["network"]["dropout"] == 0.5
    failed = jobs.get(does_not["id"])
    assert (failed["state"], failed["error"]["code"]) == ("failed", "bad_data")
    assert "/network/blocks/0/kernel" in failed["error"]["message"]
    assert failed["finished_at"] is not None
