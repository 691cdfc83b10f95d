from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from app.tables import Dataset, DatasetVersion
from models.batches import split_rows

# What differs between the databases is proved by other tests.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WRONG_SPECS = [
    ({"network": {"preset": "cnn-tiny"}}, "/network/preset"),
    ({"network": {"family": "transformer"}}, "/network/family"),
    ({"network": {}}, "/network/family"),
    ({"network": {"family": "cnn", "colour": "red"}}, "/network/colour"),
    ({"network": {"family": "cnn", "dropout": 2}}, "/network/dropout"),
    ({"network": {"family": "layers", "layers": []}}, "/network/layers"),
    ({"network": {"family": "layers", "layers": [{"type": "add"}]}}, "/network/layers/0/inputs"),
    ({"network": {"family": "cnn", "backbone": {"name": "vgg99"}}}, "/network/backbone/name"),
    ({"training": {"epochs": -1}}, "/training/epochs"),
    ({"training": {"epochs": 10**18}}, "/training/epochs"),
    ({"training": {"epochs": "3"}}, "/training/epochs"),
    ({"training": {"optimizer": {"name": "sgd", "learning_rate": -1}}}, "/training/optimizer/learning_rate"),
]
WRONG_FIELDS = [
    ({"model": "A B"}, "/model"),
    ({"model": None}, "/model"),
    ({"promote": "maybe"}, "/promote"),
    ({"priority": 101}, "/priority"),
    ({"priority": "1"}, "/priority"),
    ({"priority": True}, "/priority"),
    ({"priority": 10**30}, "/priority"),
    ({"tags": {"a": 1}}, "/tags/a"),
    ({"tags": {str(number): "" for number in range(33)}}, "/tags"),
    ({"notes": "x" * 10_001}, "/notes"),
    ({"notes": "a\0b"}, "/notes"),
    ({"notes": "\ud800"}, "/notes"),
    ({"network": {"family": "cnn", "l2": 10**40}}, "/network/l2"),
    ({"network": []}, "/network"),
    ({"colour": "red"}, "/colour"),
]


def places(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def test_a_job_is_queued_with_every_default_filled_in(jobs: Any, digits: Dataset, rows: Any) -> None:
    body = jobs.body(tags={"try": "1"}, notes="first", priority=7)
    answer = jobs.post(body)
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/jobs/{job['id']}")
    assert (job["kind"], job["state"], job["phase"], job["queue_position"]) == ("training", "queued", None, 1)
    assert (job["model"], job["dataset"], job["promote"]) == ("reader", "digits@1", "always")
    assert (job["priority"], job["tags"], job["notes"]) == (7, {"try": "1"}, "first")
    assert job["request"] == body
    resolved = job["resolved"]
    assert (resolved["preset"], resolved["dataset"]) == ("cnn-small", "digits@1")
    assert (resolved["network"]["dropout"], resolved["training"]["epochs"]) == (0.5, 3)
    assert (resolved["training"]["seed"], resolved["network"]["activation"]) == (0, "relu")
    assert jobs.get(job["id"]) == job
    assert rows.job(job["id"]).slot == "training"
    assert [event.data for event in rows.events(job["id"])] == [{"state": "queued"}]


def test_the_rows_are_those_that_the_trainer_will_cut(jobs: Any, digits: Dataset) -> None:
    y = np.arange(95) % 2
    test = np.flatnonzero(y == 0)[:16].tolist() + np.flatnonzero(y == 1)[:16].tolist()
    for fraction in (0, 0.1, 0.27):
        training, validation = split_rows(y, np.sort(test), fraction, 0)
        found = jobs.submit(training={"validation": fraction})["resolved"]["rows"]
        assert found == {"train": len(training), "validation": len(validation), "test": 32}


def test_the_latest_usable_version_is_meant_unless_one_is_named(
    jobs: Any, digits: Dataset, rows: Any
) -> None:
    rows.version(dataset=digits.id)
    rows.version("invalid", dataset=digits.id)
    assert jobs.submit()["dataset"] == "digits@2"
    assert jobs.submit("digits@1")["dataset"] == "digits@1"
    refused = jobs.post(jobs.body("digits@3"))
    assert (places(refused), refused.json()["errors"][0]["code"]) == (["/dataset"], "invalid")


def test_an_unknown_dataset_is_refused_with_its_field(jobs: Any, digits: Dataset) -> None:
    for dataset in ("none", "digits@2", "digits@0", "digits@99999999999", "Digits", "digits@1@1", "", "a\0"):
        assert places(jobs.post(jobs.body(dataset))) == ["/dataset"], dataset


def test_a_name_that_is_an_address_is_none_for_a_model(jobs: Any, digits: Dataset) -> None:
    refused = jobs.post(jobs.body("digits") | {"model": "stats"})
    assert (places(refused), refused.json()["errors"][0]["code"]) == (["/model"], "reserved_name")


def test_a_dataset_without_a_usable_version_is_refused(jobs: Any, client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "empty"})
    assert places(jobs.post(jobs.body("empty"))) == ["/dataset"]


def test_a_job_waits_for_a_dataset_that_is_being_read(jobs: Any, client: httpx.Client, rows: Any) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    job = jobs.submit()
    assert (job["state"], job["phase"], job["resolved"]) == ("queued", "waiting_for_dataset", None)
    assert [phase["phase"] for phase in job["phases"]] == ["waiting_for_dataset"]
    assert [event.type for event in rows.events(job["id"])] == ["state", "phase"]


def test_a_stack_may_be_made_for_rows_that_are_still_being_read(jobs: Any, client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    layers = [{"type": "reshape", "shape": [4, 4, 4]}, {"type": "flatten"}]
    assert jobs.submit(network={"family": "layers", "layers": layers})["phase"] == "waiting_for_dataset"


def test_a_wrong_spec_is_refused_with_its_place(jobs: Any, digits: Dataset, client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "unread", "builtin": "digits"})
    for fields, pointer in WRONG_SPECS:
        for dataset in ("digits", "unread"):
            refused = jobs.post(jobs.body(dataset, **fields))
            assert places(refused) == [pointer], (dataset, fields)
            assert refused.json()["detail"].startswith(f"{pointer}: ")
    items = client.get("/api/v1/jobs?kind=training").json()["items"]
    assert items == []


def test_a_network_that_does_not_fit_its_images_is_refused(jobs: Any, digits: Dataset) -> None:
    network = {"family": "cnn", "blocks": [{"filters": 4, "kernel": 9, "padding": "valid"}]}
    assert places(jobs.post(jobs.body(network=network))) == ["/network/blocks/0/kernel"]


def test_a_billion_parameters_are_refused_by_arithmetic(jobs: Any, digits: Dataset) -> None:
    refused = jobs.post(jobs.body(network={"family": "cnn", "dense": [65_536, 65_536]}))
    assert places(refused) == ["/network"]
    assert refused.json()["errors"][0]["code"] == "too_many_parameters"


def test_a_wrong_field_is_refused_with_its_place(jobs: Any, digits: Dataset, client: httpx.Client) -> None:
    for fields, pointer in WRONG_FIELDS:
        assert places(jobs.post(jobs.body(**fields))) == [pointer], fields
    assert client.get("/api/v1/jobs").json()["items"] == []


def test_a_body_without_its_fields_is_told_all_of_them(jobs: Any) -> None:
    assert places(jobs.post({})) == ["/model", "/dataset", "/network"]
    assert places(jobs.post([])) == [""]


def test_of_normal_labels_alone_rows_train(jobs: Any, digits: Dataset, rows: Any) -> None:
    network = {"family": "autoencoder"}
    found = jobs.submit(network=network, training={"normal_labels": ["zero"], "validation": 0.25})
    assert found["resolved"]["training"]["normal_labels"] == ["zero"]
    assert found["resolved"]["rows"] == {"train": 24, "validation": 8, "test": 32}
    refused = jobs.post(jobs.body(network=network, training={"normal_labels": ["two"]}))
    assert places(refused) == ["/training/normal_labels/0"]
    with rows.database.write() as session:
        version = session.scalars(select(DatasetVersion).where(DatasetVersion.dataset_id == digits.id)).one()
        version.profile = {"classes": {"zero": 16, "one": 79}, "test_classes": {"zero": 16, "one": 16}}
    refused = jobs.post(jobs.body(network=network, training={"normal_labels": ["zero"]}))
    assert places(refused) == ["/training/normal_labels"]
