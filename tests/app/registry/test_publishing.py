import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.fence import held
from app.registry.publishing import publish
from app.tables import Alias, AliasEvent, ModelVersion, RegisteredModel
from app.tables.base import now

FILES = {"network.keras": {"sha256": "a" * 64, "bytes": 3, "media_type": "application/zip"}}


def result(accuracy: float | None = 0.9, classes: int = 2) -> dict[str, Any]:
    image = {"name": "image", "dtype": "float32", "shape": [8, 8, 1]}
    answer = {"name": "probabilities", "dtype": "float32", "shape": [classes]}
    role = {"graph": "predict.onnx", "inputs": [image], "outputs": [answer]}
    return {
        "metrics": {} if accuracy is None else {"accuracy": accuracy},
        "parameters": 42,
        "signature": {"roles": {"predict": role}, "labels": [str(number) for number in range(classes)]},
        "best": {"epoch": 3},
        "stop_reason": "completed",
        "parity": {"passed": True},
    }


def run(rows: Any, database: Database, found: dict[str, Any] | None = None, **columns: Any) -> str:
    """Run a training job until it is published; return its id."""
    job_id: str = rows.training(**columns)
    with database.write() as session:
        claim(session, "training", "w")
    with database.write() as session:
        job = held(session, job_id, 1)
        assert job is not None
        publish(session, job, found or result(), FILES)
    return job_id


def champion(database: Database, model: str = "digits") -> int | None:
    query = select(Alias).join(RegisteredModel, RegisteredModel.id == Alias.model_id)
    query = query.where(RegisteredModel.name == model, RegisteredModel.deleted_at.is_(None))
    with database.read() as session:
        alias = session.scalar(query)
        return None if alias is None else alias.version.number


def test_a_published_version_knows_where_it_comes_from(rows: Any, database: Database) -> None:
    job_id = run(rows, database)
    job = rows.job(job_id)
    assert (job.state, job.best, job.stop_reason) == ("succeeded", {"epoch": 3}, "completed")
    assert job.finished_at is not None
    version = rows.get(ModelVersion, job.model_version_id)
    assert (version.number, version.job_id, version.dataset_version_id) == (1, job_id, job.dataset_version_id)
    assert (version.owner, version.model.owner, version.model.name) == ("local", "local", "digits")
    assert (version.family, version.parameters, version.files) == ("cnn", 42, FILES)
    assert version.spec == {key: job.resolved[key] for key in ("network", "training")}
    assert (version.metrics, version.parity) == ({"accuracy": 0.9}, {"passed": True})
    assert version.signature == result()["signature"]


@pytest.mark.parametrize(
    ("recorded", "kept"),
    [
        ({"epoch": 3, "loss": 0.1}, {"epoch": 3, "loss": 0.1, "value": 0.2}),
        ({"epoch": 2, "loss": 0.1}, {"epoch": 3, "value": 0.2}),
        (None, {"epoch": 3, "value": 0.2}),
    ],
)
def test_the_best_epoch_is_the_one_that_the_trainer_chose(
    rows: Any, database: Database, recorded: dict[str, float] | None, kept: dict[str, float]
) -> None:
    found = result() | {"best": {"epoch": 3, "value": 0.2}}
    assert rows.job(run(rows, database, found, best=recorded)).best == kept


def test_versions_are_numbered_within_their_model_and_owner(rows: Any, database: Database) -> None:
    jobs = [run(rows, database, model=model) for model in ("digits", "other", "digits")]
    versions = [rows.get(ModelVersion, rows.job(job).model_version_id) for job in jobs]
    assert [version.number for version in versions] == [1, 1, 2]
    assert versions[0].model_id == versions[2].model_id != versions[1].model_id


def test_the_number_of_a_deleted_version_is_not_given_again(rows: Any, database: Database) -> None:
    run(rows, database)
    with database.write() as session:
        session.execute(update(ModelVersion).values(deleted_at=now()))
    assert rows.get(ModelVersion, rows.job(run(rows, database)).model_version_id).number == 2


def test_a_model_that_was_deleted_gives_way_to_a_new_one(rows: Any, database: Database) -> None:
    run(rows, database)
    with database.write() as session:
        session.execute(update(RegisteredModel).values(deleted_at=now(), name="digits~1"))
    assert rows.get(ModelVersion, rows.job(run(rows, database)).model_version_id).number == 1
    assert champion(database) == 1


def test_the_champion_follows_every_version_by_default(rows: Any, database: Database) -> None:
    jobs = [run(rows, database, result(accuracy)) for accuracy in (0.9, 0.5)]
    assert champion(database) == 2
    with database.read() as session:
        moves = session.scalars(select(AliasEvent).order_by(AliasEvent.id)).all()
    assert [(move.alias, move.from_version, move.to_version, move.actor, move.reason) for move in moves] == [
        ("champion", None, 1, "local", f"published by {jobs[0]}"),
        ("champion", 1, 2, "local", f"published by {jobs[1]}"),
    ]


def test_a_job_may_ask_for_no_promotion(rows: Any, database: Database) -> None:
    run(rows, database, promote="never")
    assert champion(database) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(0.9, 0.91, 2), (0.9, 0.9, 1), (0.9, 0.89, 1), (None, 0.1, 2), (0.9, None, 1)],
)
def test_a_better_version_is_one_of_higher_accuracy(
    rows: Any, database: Database, before: float | None, after: float | None, expected: int
) -> None:
    run(rows, database, result(before), promote="if_better")
    job_id = run(rows, database, result(after), promote="if_better")
    assert champion(database) == expected
    [log] = rows.events(job_id, "log")
    assert ("stays at version 1" in log.data["message"]) == (expected == 1)


@pytest.mark.parametrize(("after", "expected"), [(1.9, 2), (2.1, 1)])
def test_a_better_version_of_what_predicts_values_is_one_of_smaller_errors(
    rows: Any, database: Database, after: float, expected: int
) -> None:
    found = result()
    found["signature"]["task"] = "regression"
    for error in (2.0, after):
        run(rows, database, {**found, "metrics": {"rmse": error}}, promote="if_better")
    assert champion(database) == expected


def test_a_champion_that_a_person_pinned_stays_and_the_job_says_so(rows: Any, database: Database) -> None:
    run(rows, database)
    with database.write() as session:
        session.execute(update(Alias).values(pinned=True))
    job_id = run(rows, database)
    assert (champion(database), rows.job(job_id).state) == (1, "succeeded")
    [log] = rows.events(job_id, "log")
    assert log.data["level"] == "warning"
    assert log.data["message"].endswith("champion stays at version 1: a person has pinned it there.")


def test_a_champion_stays_where_callers_would_have_to_change(rows: Any, database: Database) -> None:
    run(rows, database)
    job_id = run(rows, database, result(classes=3))
    assert (champion(database), rows.job(job_id).state) == (1, "succeeded")
    message = rows.events(job_id, "log")[-1].data["message"]
    assert "predict returns probabilities float32[3], not probabilities float32[2]" in message


def test_jobs_of_one_new_model_that_end_at_once_are_numbered_one_after_another(
    rows: Any, database: Database
) -> None:
    jobs = [rows.training() for _ in range(4)]
    with database.write() as session:
        for _ in jobs:
            claim(session, "training", "w")
    start = threading.Barrier(len(jobs))

    def finish(job_id: str) -> int:
        start.wait(30)
        with database.write() as session:
            job = held(session, job_id, 1)
            assert job is not None
            return publish(session, job, result(), FILES).number

    with ThreadPoolExecutor(len(jobs)) as pool:
        assert sorted(pool.map(finish, jobs)) == [1, 2, 3, 4]
    assert champion(database) in {1, 2, 3, 4}


def test_a_version_whose_transaction_fails_does_not_exist(rows: Any, database: Database) -> None:
    job_id = rows.training()

    def publish_and_fail() -> None:
        with database.write() as session:
            claim(session, "training", "w")
            job = held(session, job_id, 1)
            assert job is not None
            publish(session, job, result(), FILES)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        publish_and_fail()
    assert (rows.job(job_id).state, champion(database)) == ("queued", None)
    with database.read() as session:
        assert session.scalars(select(ModelVersion)).all() == []
