"""An alias is moved by what evaluations have found, where versions learnt from different rows."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.database import Database
from app.tables import DatasetVersion, ModelVersion

Add = Callable[..., str]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def put(evaluations: Any, any_registry: Any, database: Database) -> Callable[[str], httpx.Response]:
    """Points ``champion`` at a second version, if it is no worse on a dataset."""
    second = any_registry.publish(seed=1, alias=None)

    def move(dataset: str) -> httpx.Response:
        body = {"version": second.number, "not_worse_on": dataset}
        return evaluations.client.put("/api/v1/models/digits/aliases/champion", json=body)

    return move


def other(evaluations: Any) -> Any:
    """The evaluations of the second version."""
    found = type(evaluations)(evaluations.client, evaluations.database, evaluations.store)
    found.path = found.path.replace("/versions/1/", "/versions/2/")
    return found


def test_the_newest_evaluations_on_the_same_rows_decide(evaluations: Any, dataset: Add, put: Any) -> None:
    dataset()
    assert "POST /api/v1/models/digits/versions/2/evaluations" in put("more").json()["detail"]
    second = other(evaluations)
    for accuracy in (0.9, 0.7):
        second.run(second.submit(), accuracy)
    assert "Version 1 was not measured on more@1" in put("more").json()["detail"]
    evaluations.run(evaluations.submit(), 0.8)
    refused = put("more")
    assert (refused.status_code, refused.json()["code"]) == (409, "worse")
    assert "its accuracy is 0.7, not 0.8" in refused.json()["detail"]
    second.run(second.submit(), 0.8)
    assert put("more").json()["version"] == 2


def test_what_was_deleted_or_has_not_ended_does_not_count(evaluations: Any, dataset: Add, put: Any) -> None:
    dataset()
    second = other(evaluations)
    job = second.submit()
    second.run(job, 0.9)
    assert evaluations.client.delete(f"/api/v1/jobs/{job}").status_code == 204
    second.submit()
    assert "Version 2 was not measured" in put("more").json()["detail"]


def test_equal_rows_under_another_name_count(
    evaluations: Any, dataset: Add, put: Any, database: Database, rows: Any
) -> None:
    for name in ("more", "same"):
        version = dataset(name)
        with database.write() as session:
            session.get_one(DatasetVersion, version).digest = "sha256:1"
    second = other(evaluations)
    second.run(second.submit("more"), 0.9)
    evaluations.run(evaluations.submit("same"), 0.8)
    assert put("same").json()["version"] == 2


def test_texts_are_compared_by_the_same_tokens_only(
    evaluations: Any, dataset: Add, put: Any, database: Database
) -> None:
    dataset()
    with database.write() as session:
        for number, version in enumerate(session.query(ModelVersion)):
            version.signature = {**version.signature, "task": "generation"}
            version.files = {**version.files, "vocabulary.json": {"sha256": str(number)}}
    refused = put("more")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_comparable")
