import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.database import Database
from app.datasets import service as datasets
from app.tables import Dataset, DatasetVersion, Job

TRASH = "/api/v1/trash"
DATASETS, MODELS = "/api/v1/datasets", "/api/v1/models"


def thrown(client: httpx.Client, **query: object) -> dict[tuple[str, str], str]:
    """Return the identifier of all that is in the trash, by kind and name."""
    items = client.get(TRASH, params=query).json()["items"]
    return {(item["kind"], item["name"]): item["id"] for item in items}


def restore(client: httpx.Client, key: str) -> httpx.Response:
    return client.post(f"{TRASH}/{key}/restore")


def dataset(client: httpx.Client, database: Database, name: str = "digits") -> None:
    """Create a dataset with two versions that are ready."""
    client.post(DATASETS, json={"name": name, "kind": "images"})
    for number in (1, 2):
        options = {"builtin": "digits", "options": {"seed": number}}
        assert client.post(f"{DATASETS}/{name}/versions", json=options).status_code == 202
    with database.write() as session:
        session.query(Job).update({"state": "succeeded"})
        session.query(DatasetVersion).update({"state": "ready"})


def test_a_dataset_comes_back_with_the_versions_that_went_with_it(
    client: httpx.Client, database: Database
) -> None:
    dataset(client, database)
    client.delete(f"{DATASETS}/digits/versions/1")
    assert list(thrown(client)) == [("dataset_version", "digits@1")]
    client.delete(f"{DATASETS}/digits")
    [(kind, key)] = thrown(client).items()
    assert kind == ("dataset", "digits")
    assert restore(client, key).status_code == 204
    assert [row["number"] for row in client.get(f"{DATASETS}/digits/versions").json()["items"]] == [2]
    assert restore(client, thrown(client)["dataset_version", "digits@1"]).status_code == 204
    assert [row["number"] for row in client.get(f"{DATASETS}/digits/versions").json()["items"]] == [2, 1]
    assert thrown(client) == {}


def test_a_model_comes_back_with_its_versions(client: httpx.Client, any_registry: Any) -> None:
    for seed in range(3):
        any_registry.publish(seed=seed, alias=None)
    client.delete(f"{MODELS}/digits/versions/2")
    assert list(thrown(client)) == [("model_version", "digits@2")]
    client.delete(f"{MODELS}/digits")
    restore(client, thrown(client)["model", "digits"])
    assert client.get(f"{MODELS}/digits").json()["versions"] == 2
    restore(client, thrown(client)["model_version", "digits@2"])
    assert client.get(f"{MODELS}/digits/versions/2").status_code == 200


def test_a_job_comes_back(client: httpx.Client, rows: Any, database: Database) -> None:
    job_id = rows.training()
    client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert client.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    assert thrown(client) == {("job", "digits"): job_id}
    assert restore(client, job_id).status_code == 204
    assert client.get(f"/api/v1/jobs/{job_id}").json()["state"] == "cancelled"


def test_a_name_that_was_given_again_stays_where_it_is(client: httpx.Client, database: Database) -> None:
    dataset(client, database)
    client.delete(f"{DATASETS}/digits")
    old = thrown(client)["dataset", "digits"]
    client.post(DATASETS, json={"name": "digits", "kind": "vectors"})
    refused = restore(client, old)
    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")
    assert client.get(f"{DATASETS}/digits").json()["kind"] == "vectors"
    client.delete(f"{DATASETS}/digits")
    assert restore(client, old).status_code == 204
    assert client.get(f"{DATASETS}/digits").json()["latest"]["number"] == 2


def test_a_version_is_not_restored_into_the_trash(client: httpx.Client, database: Database) -> None:
    dataset(client, database)
    client.delete(f"{DATASETS}/digits/versions/1")
    version = thrown(client)["dataset_version", "digits@1"]
    client.delete(f"{DATASETS}/digits")
    refused = restore(client, version)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_trash")


def test_pages_show_all_of_it_once_the_latest_first(client: httpx.Client) -> None:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        client.post(DATASETS, json={"name": name, "kind": "images"})
        client.delete(f"{DATASETS}/{name}")
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while query:
        page = client.get(TRASH, params=query).json()
        found += [item["name"] for item in page["items"]]
        query = {"limit": 2, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
    assert found == names[::-1]
    assert client.get(TRASH).json()["items"][0]["kept_until"] > "2026-"


def test_what_was_emptied_is_gone(client: httpx.Client, database: Database) -> None:
    dataset(client, database)
    client.delete(f"{DATASETS}/digits")
    key = thrown(client)["dataset", "digits"]
    with database.write() as session:
        row = session.get_one(Dataset, key)
        row.purged_at = row.deleted_at
    assert (thrown(client), restore(client, key).status_code) == ({}, 404)


@pytest.mark.parametrize("key", ["ds_1", "job_1", "x" * 300])
def test_what_is_not_in_the_trash_is_not_found(client: httpx.Client, key: str) -> None:
    assert restore(client, key).status_code == 404


def test_a_key_sees_and_restores_only_what_its_scopes_name(service: Any, rows_in: Any) -> None:
    job_id = rows_in(service.database).training()
    admin = service.client("admin")
    admin.post(f"/api/v1/jobs/{job_id}/cancel")
    admin.delete(f"/api/v1/jobs/{job_id}")
    admin.post(DATASETS, json={"name": "mine", "kind": "images"})
    admin.delete(f"{DATASETS}/mine")
    with service.client("datasets:read") as reader, service.client("jobs:write", "predict") as writer:
        assert list(thrown(reader)) == [("dataset", "mine")]
        assert restore(reader, thrown(reader)["dataset", "mine"]).status_code == 404
        assert thrown(writer) == {}
        assert restore(writer, thrown(admin)["dataset", "mine"]).status_code == 404
        assert restore(writer, job_id).status_code == 204
    admin.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_version_does_not_come_back_into_what_is_being_deleted(
    client: httpx.Client, database: Database
) -> None:
    dataset(client, database)
    client.delete(f"{DATASETS}/digits/versions/1")
    key = thrown(client)["dataset_version", "digits@1"]
    with ThreadPoolExecutor() as threads:
        with database.write() as session:
            datasets.delete(session, "local", "digits")
            session.flush()
            restoring = threads.submit(restore, client, key)
            while not restoring.done() and not waits_for_a_lock(database):
                time.sleep(0.01)
        assert restoring.result().json()["code"] == "in_trash"


def waits_for_a_lock(database: Database) -> bool:
    with database.read() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
