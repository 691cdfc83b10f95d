from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.database import Database
from app.jobs.claiming import claim
from app.tables import Worker
from app.workers.hearing import Equipment, announce, beat, leave

SLOTS = {"training": 1, "light": 2}
EQUIPMENT = Equipment(SLOTS, ["NVIDIA H200"])


@pytest.fixture
def worker(database: Database) -> str:
    with database.write() as session:
        announce(session, "worker_1", EQUIPMENT, 30.0)
    return "worker_1"


def listed(client: httpx.Client) -> dict[str, Any]:
    return {item["id"]: item for item in client.get("/api/v1/workers").json()["items"]}


def put(database: Database, **columns: Any) -> None:
    with database.write() as session:
        session.execute(update(Worker).values(**columns))


def test_a_worker_is_shown_with_what_it_runs(
    client: httpx.Client, rows: Any, database: Database, worker: str
) -> None:
    job = rows.training()
    with database.write() as session:
        claim(session, "training", worker)
    shown = listed(client)[worker]
    assert (shown["state"], shown["slots"], shown["jobs"]) == ("working", SLOTS, [job])
    assert shown["devices"] == ["NVIDIA H200"]
    assert shown["started_at"] <= shown["heard_at"]


def test_a_worker_that_is_not_heard_of_is_lost(client: httpx.Client, database: Database, worker: str) -> None:
    put(database, heard_until=0.0)
    assert listed(client)[worker]["state"] == "lost"
    refused = client.post(f"/api/v1/workers/{worker}/drain")
    assert (refused.status_code, refused.json()["current_state"]) == (409, "lost")
    with database.write() as session:
        assert not beat(session, worker, EQUIPMENT, 30.0)
    assert listed(client)[worker]["state"] == "working"
    put(database, era="another start")
    assert listed(client)[worker]["state"] == "lost"


def test_a_worker_learns_that_it_shall_drain(
    client: httpx.Client, rows: Any, database: Database, worker: str
) -> None:
    rows.training()
    with database.write() as session:
        claim(session, "training", worker)
    for _ in range(2):
        answer = client.post(f"/api/v1/workers/{worker}/drain")
        assert (answer.status_code, answer.json()["state"]) == (202, "draining")
    with database.write() as session:
        assert beat(session, worker, EQUIPMENT, 30.0)
    with database.write() as session:
        announce(session, worker, EQUIPMENT, 30.0)
        assert not beat(session, worker, EQUIPMENT, 30.0)


def test_a_worker_that_has_left_is_forgotten(client: httpx.Client, database: Database, worker: str) -> None:
    with database.write() as session:
        announce(session, "worker_2", EQUIPMENT, 30.0)
    with database.write() as session:
        leave(session, worker)
    assert list(listed(client)) == ["worker_2"]
    put(database, era="another start")
    with database.write() as session:
        announce(session, worker, EQUIPMENT, 30.0)
    assert list(listed(client)) == [worker]


def test_a_worker_that_was_forgotten_is_known_again_when_it_is_heard_of(
    client: httpx.Client, database: Database
) -> None:
    with database.write() as session:
        assert not beat(session, "worker_1", EQUIPMENT, 30.0)
    assert listed(client)["worker_1"]["slots"] == SLOTS


def test_an_unknown_worker_cannot_be_drained(client: httpx.Client) -> None:
    assert client.post("/api/v1/workers/worker_9/drain").status_code == 404
