from typing import Any, get_args

import httpx
import pytest
from sqlalchemy import update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.finishing import fail, hand_back
from app.jobs.moving import move
from app.jobs.states import ACTIVE, MOVES, TERMINAL, VERBS, VERBS_OF_KIND, JobState
from app.tables import Dataset, DatasetVersion, Job

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FAILURE = {"code": "crashed", "message": "It fell.", "hint": None, "retryable": True}
STATES = get_args(JobState)


def put(database: Database, job_id: str, state: str, **columns: Any) -> None:
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=state, **columns))


def ask(client: httpx.Client, job_id: str, verb: str, **body: Any) -> httpx.Response:
    return client.post(f"/api/v1/jobs/{job_id}/{verb}", **({"json": body} if body else {}))


@sqlite_only
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ["training", "reading"])
def test_what_a_state_does_not_permit_is_refused_with_what_it_does(
    client: httpx.Client, rows: Any, database: Database, digits: Dataset, kind: str, state: str
) -> None:
    request = {"model": "m", "dataset": "digits", "network": {"preset": "cnn-small"}}
    for verb, states in VERBS.items():
        job = rows.reading() if kind == "reading" else rows.training(request=request)
        if kind == "reading" and state == "failed":
            with database.write() as session:
                version = session.get_one(DatasetVersion, session.get_one(Job, job).dataset_version_id)
                version.state = "invalid"
        put(database, job, state)
        answer = ask(client, job, verb)
        if state in states and verb in VERBS_OF_KIND[kind]:
            assert answer.status_code == 202, answer.text
            continue
        problem = answer.json()
        assert (answer.status_code, problem["current_state"]) == (409, state)
        assert all(state in VERBS[each] and each in VERBS_OF_KIND[kind] for each in problem["possible"])
        links = client.get(f"/api/v1/jobs/{job}").json()["links"]
        assert problem["possible"] == [each for each in VERBS if each in links]
        assert rows.job(job).state == state


@pytest.mark.parametrize("source", STATES)
def test_a_move_outside_the_table_is_an_error(rows: Any, database: Database, source: str) -> None:
    job = rows.training()
    put(database, job, source)
    for target in sorted({*STATES} - MOVES[source]):
        with pytest.raises(AssertionError, match="never becomes"), database.write() as session:
            move(session, session.get_one(Job, job), source, target)
    assert rows.job(job).state == source


def test_every_state_is_over_or_not() -> None:
    assert {*STATES} == {*MOVES} == ACTIVE | TERMINAL
    assert not ACTIVE & TERMINAL
    assert all(MOVES[state] for state in ACTIVE)


def test_a_training_is_told_to_finish_early_once(client: httpx.Client, rows: Any, database: Database) -> None:
    job = rows.training()
    with database.write() as session:
        claim(session, "training", "w")
    first = ask(client, job, "stop").json()
    assert (first["state"], first["stop_requested_at"] is not None) == ("running", True)
    assert ask(client, job, "stop").json()["stop_requested_at"] == first["stop_requested_at"]
    assert [event.data["message"] for event in rows.events(job, "log")] == ["Asked to finish early."]


def test_a_paused_job_is_claimed_only_when_it_is_resumed(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    for _ in range(2):
        assert ask(client, job, "pause").json()["state"] == "paused"
    with database.write() as session:
        assert claim(session, "training", "w") is None
    assert ask(client, job, "resume").json()["queue_position"] == 1
    with database.write() as session:
        assert claim(session, "training", "w") is not None


def test_a_running_job_is_paused_when_its_child_is_gone(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    with database.write() as session:
        claim(session, "training", "w")
    for _ in range(2):
        assert ask(client, job, "pause").json()["state"] == "pausing"
    with database.write() as session:
        assert hand_back(session, job, 1)
    assert rows.job(job).state == "paused"
    states = [event.data["state"] for event in rows.events(job, "state")]
    assert states == ["queued", "running", "pausing", "paused"]


@pytest.mark.parametrize("slot", ["training", "light"])
def test_a_failed_job_is_queued_again_as_if_nothing_had_happened(
    client: httpx.Client, rows: Any, database: Database, slot: str
) -> None:
    job = rows.training() if slot == "training" else rows.reading()
    with database.write() as session:
        claim(session, slot, "w")
        fail(session, job, 1, FAILURE)
    put(database, job, "failed", restarts=3)
    again = ask(client, job, "retry").json()
    assert (again["state"], again["error"], again["finished_at"], again["restarts"]) == (
        *("queued", None, None, 0),
    )
    states = [event.data for event in rows.events(job, "state")]
    assert states[2:] == [{"state": "failed", "error": FAILURE, "retried": True}, {"state": "queued"}]
    with database.write() as session:
        claimed = claim(session, slot, "w")
        assert claimed is not None
        assert (claimed.id, claimed.attempt) == (job, 2)


@sqlite_only
def test_what_cannot_succeed_is_not_retried(client: httpx.Client, rows: Any, database: Database) -> None:
    unresolved, without_rows = rows.training(resolved=None), rows.training(version=rows.version("invalid"))
    for job, code in ((unresolved, "never_resolved"), (without_rows, "no_rows")):
        put(database, job, "failed")
        answer = ask(client, job, "retry")
        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert rows.job(job).state == "failed"


@pytest.mark.parametrize("state", ["pausing", "paused"])
def test_what_is_or_will_be_paused_can_be_cancelled(
    client: httpx.Client, rows: Any, database: Database, state: str
) -> None:
    job = rows.training()
    put(database, job, state)
    end = {"pausing": "cancelling", "paused": "cancelled"}[state]
    assert ask(client, job, "cancel").json()["state"] == end


def test_a_clone_differs_only_in_what_was_said(jobs: Any, client: httpx.Client, digits: Dataset) -> None:
    first = jobs.submit(training={"epochs": 3, "seed": 5}, tags={"a": "b"}, priority=3)
    edits = {"training": {"epochs": 7, "seed": None}, "model": "other"}
    answer = ask(client, first["id"], "clone", **edits)
    clone = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/v1/jobs/{clone['id']}")
    assert clone["request"] == first["request"] | {
        **{"model": "other", "dataset": "digits@1", "training": {"epochs": 7}},
    }
    assert (clone["cloned_from"], clone["tags"], clone["priority"]) == (first["id"], {"a": "b"}, 3)
    assert clone["resolved"]["network"] == first["resolved"]["network"]
    assert clone["resolved"]["training"]["epochs"] == 7


@sqlite_only
def test_a_clone_is_trained_on_the_same_rows(
    jobs: Any, client: httpx.Client, rows: Any, digits: Dataset
) -> None:
    first = jobs.submit()
    newer = rows.get(DatasetVersion, first["resolved"] and rows.version(dataset=digits.id))
    assert newer.number == 2
    assert ask(client, first["id"], "clone").json()["dataset"] == "digits@1"


@sqlite_only
def test_a_clone_with_wrong_edits_is_refused_where_they_stand(
    jobs: Any, client: httpx.Client, digits: Dataset
) -> None:
    first = jobs.submit()
    for edits, pointer in (
        ({"network": {"dropout": 7}}, "/network/dropout"),
        ({"priority": "high"}, "/priority"),
        ({"model": None}, "/model"),
        ({"colour": "red"}, "/colour"),
    ):
        answer = ask(client, first["id"], "clone", **edits)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert ask(client, first["id"], "clone", network=[]).status_code == 422
    assert len(client.get("/api/v1/jobs").json()["items"]) == 1


@sqlite_only
def test_a_clone_that_is_asked_for_twice_with_one_key_is_one_job(
    jobs: Any, client: httpx.Client, digits: Dataset
) -> None:
    first = jobs.submit()
    address, key = f"/api/v1/jobs/{first['id']}/clone", {"Idempotency-Key": "once"}
    clones = [client.post(address, json={}, headers=key) for _ in range(2)]
    assert clones[0].json() == clones[1].json()
    assert clones[1].headers["Idempotent-Replayed"] == "true"


@sqlite_only
def test_a_higher_priority_goes_ahead_in_the_queue(client: httpx.Client, rows: Any) -> None:
    first, second = rows.training(), rows.training()
    assert client.get(f"/api/v1/jobs/{second}").json()["queue_position"] == 2
    assert client.patch(f"/api/v1/jobs/{second}", json={"priority": 1}).json()["queue_position"] == 1
    assert client.get(f"/api/v1/jobs/{first}").json()["queue_position"] == 2
