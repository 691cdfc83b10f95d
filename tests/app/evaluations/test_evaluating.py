from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.database import Database
from app.evaluations.finishing import finish
from app.jobs import finishing
from app.jobs.claiming import claim
from app.tables import DatasetVersion

Add = Callable[..., str]


def problem(answer: httpx.Response, status: int = 422) -> tuple[str, str]:
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/dataset"
    return error["code"], error["message"]


def test_an_evaluation_is_a_job_that_leaves_a_report(evaluations: Any, dataset: Add) -> None:
    dataset()
    answer = evaluations.post()
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/jobs/{job['id']}")
    assert (job["kind"], job["state"], job["model"], job["version"]) == ("evaluation", "queued", "digits", 1)
    assert job["resolved"] == {"version": "digits@1", "dataset": "more@1", "rows": {"test": 10}}
    own = f"{evaluations.path}/{job['id']}"
    assert job["links"]["evaluation"] == own
    before = evaluations.get(job["id"]).json()
    assert (before["state"], before["report"], before["metrics"], before["files"]) == (
        "queued",
        None,
        None,
        [],
    )

    evaluations.run(job["id"], accuracy=0.25)
    after = evaluations.get(job["id"]).json()
    assert (after["state"], after["report"], after["metrics"]) == (
        "succeeded",
        {"accuracy": 0.25},
        {"accuracy": 0.25},
    )
    assert (after["model"], after["version"], after["dataset"]) == ("digits", 1, "more@1")
    (file,) = after["files"]
    assert evaluations.client.get(file["href"]).json() == {"accuracy": 0.25}
    listed = evaluations.client.get(f"/api/v1/jobs/{job['id']}/artifacts").json()["items"]
    assert listed == [file]
    assert evaluations.job(job["id"])["state"] == "succeeded"


def test_they_are_listed_the_newest_first(evaluations: Any, dataset: Add) -> None:
    dataset()
    jobs = [evaluations.submit() for _ in range(3)]
    page = evaluations.list(limit=2)
    assert [each["job"] for each in page["items"]] == [jobs[2], jobs[1]]
    rest = evaluations.list(limit=2, cursor=page["next_cursor"])
    assert [each["job"] for each in rest["items"]] == [jobs[0]]
    assert evaluations.client.get("/api/v1/jobs?kind=evaluation").json()["items"][0]["id"] == jobs[2]


def test_sent_again_with_its_key_it_is_one_job(evaluations: Any, dataset: Add) -> None:
    dataset()
    first, again = (evaluations.post(headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(evaluations.list()["items"]) == 1


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"kind": "vectors", "shape": [64], "image": None}, "wrong_kind"),
        ({"shape": [8, 9, 1]}, "wrong_shape"),
        ({"image": {"low": 0, "high": 255, "background": 0}}, "wrong_range"),
        ({"labels": []}, "no_classes"),
        ({"labels": ["zero", "nine"]}, "unknown_classes"),
        ({"test_rows": 0}, "no_test_rows"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rows_that_do_not_fit_are_refused_at_once(
    evaluations: Any, dataset: Add, schema: dict[str, Any], code: str
) -> None:
    dataset(**schema)
    found, message = problem(evaluations.post())
    assert found == code
    assert "digits@1" in message or code == "no_test_rows"
    assert evaluations.list()["items"] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_classes_may_stand_in_another_order_and_some_be_missing(evaluations: Any, dataset: Add) -> None:
    dataset(labels=["two", "zero"])
    evaluations.submit()


def ended_reading(database: Database, version: str, schema: dict[str, Any]) -> None:
    with database.write() as session:
        session.get_one(DatasetVersion, version)
        job = claim(session, "light", "w")
        assert job is not None
        assert job.kind == "reading"
        found = {"schema": schema, "profile": {}, "split": {}, "warnings": [], "digest": "d"}
        files: dict[str, Any] = {}
        finishing.finish_reading(session, job.id, job.attempt, found, files, max_parameters=10**8)


@pytest.mark.parametrize("fits", [True, False])
def test_it_waits_for_a_dataset_that_is_being_read(
    evaluations: Any, dataset: Add, rows: Any, database: Database, fits: bool
) -> None:
    version = dataset(state="reading")
    job = evaluations.submit()
    rows.reading(version=version)
    assert evaluations.job(job)["phase"] == "waiting_for_dataset"
    schema = {"kind": "images", "rows": 9, "test_rows": 3, "shape": [8, 8, 1], "dtype": "uint8"}
    labels = ["zero", "one", "two"] if fits else ["cat", "dog"]
    ended_reading(database, version, schema | {"labels": labels})
    found = evaluations.job(job)
    if fits:
        assert found["resolved"]["rows"] == {"test": 3}
        evaluations.run(job)
    else:
        assert (found["state"], found["error"]["code"]) == ("failed", "bad_data")
        assert "knows no class cat, dog" in found["error"]["message"]
        refused = evaluations.client.post(f"/api/v1/jobs/{job}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "never_resolved")


def test_if_the_dataset_cannot_be_read_it_fails(
    evaluations: Any, dataset: Add, rows: Any, database: Database
) -> None:
    version = dataset(state="reading")
    job, reading = evaluations.submit(), rows.reading(version=version)
    with database.write() as session:
        claim(session, "light", "w")
        finishing.fail(
            session, reading, 1, {"code": "bad_data", "message": "It is torn.", "retryable": False}
        )
    assert evaluations.job(job)["error"]["code"] == "bad_data"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_being_read_must_be_of_the_kind(evaluations: Any, dataset: Add) -> None:
    dataset(state="reading", of="table")
    assert problem(evaluations.post())[0] == "wrong_kind"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_not_there_is_not_evaluated(evaluations: Any, dataset: Add) -> None:
    assert problem(evaluations.post("none"))[0] == "not_found"
    dataset()
    for path in ("none/versions/1", "digits/versions/2"):
        answer = evaluations.client.post(f"/api/v1/models/{path}/evaluations", json={"dataset": "more"})
        assert answer.status_code == 404
        assert evaluations.client.get(f"/api/v1/models/{path}/evaluations").status_code == 404
    assert evaluations.get("job_none").status_code == 404


def test_a_version_stays_while_it_is_to_be_evaluated(evaluations: Any, dataset: Add) -> None:
    dataset()
    job = evaluations.submit()
    assert evaluations.client.delete("/api/v1/models/digits/aliases/champion").status_code == 204
    for path in ("digits", "digits/versions/1"):
        refused = evaluations.client.delete(f"/api/v1/models/{path}")
        assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
        assert refused.json()["used_by"] == [f"/api/v1/jobs/{job}"]
    assert evaluations.client.delete("/api/v1/datasets/more").status_code == 409
    assert evaluations.client.post(f"/api/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert evaluations.client.delete("/api/v1/models/digits").status_code == 204


def test_one_that_failed_is_tried_again_unless_its_version_is_gone(
    evaluations: Any, dataset: Add, database: Database
) -> None:
    dataset()
    job = evaluations.submit()
    failure = {"code": "crashed", "message": "It fell.", "hint": None, "retryable": True}
    for attempt in (1, 2):
        with database.write() as session:
            claim(session, "light", "w")
            assert finishing.fail(session, job, attempt, failure)
        retry = evaluations.client.post(f"/api/v1/jobs/{job}/retry")
        assert (retry.status_code, retry.json().get("state", "queued")) == (202, "queued")
        assert evaluations.job(job)["links"].keys() >= {"cancel", "pause"}
        assert "stop" not in evaluations.job(job)["links"]
    with database.write() as session:
        claim(session, "light", "w")
        assert finishing.fail(session, job, 3, failure)
    assert evaluations.client.delete("/api/v1/models/digits/aliases/champion").status_code == 204
    assert evaluations.client.delete("/api/v1/models/digits/versions/1").status_code == 204
    refused = evaluations.client.post(f"/api/v1/jobs/{job}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_version")


def test_one_that_is_cancelled_while_it_ends_leaves_nothing(
    evaluations: Any, dataset: Add, database: Database
) -> None:
    dataset()
    job = evaluations.submit()
    with database.write() as session:
        claim(session, "light", "w")
    evaluations.client.post(f"/api/v1/jobs/{job}/cancel")
    with database.write() as session:
        assert finish(session, job, 1, {}, {})
    assert evaluations.job(job)["state"] == "cancelled"
    with database.write() as session:
        assert not finish(session, job, 1, {}, {})
