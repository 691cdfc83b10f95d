from typing import Any

import httpx
import pytest

from app.database import Database
from app.tables import DatasetVersion, RegisteredModel

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MODELS = "/api/v1/models"


def test_a_model_tells_its_latest_version_and_its_aliases(client: httpx.Client, published: Any) -> None:
    first = published.version()
    published.version(promote="never")
    model = client.get(f"{MODELS}/digits").json()
    assert (model["name"], model["versions"], model["latest"]["version"]) == ("digits", 2, 2)
    assert model["aliases"] == {"champion": 1}
    assert client.get(MODELS).json()["items"] == [model]
    versions = client.get(f"{MODELS}/digits/versions").json()["items"]
    assert [(version["version"], version["aliases"]) for version in versions] == [(2, []), (1, ["champion"])]
    assert versions[1]["lineage"]["job"] == first.job_id


@sqlite_only
def test_a_version_tells_all_that_made_it(client: httpx.Client, published: Any, rows: Any) -> None:
    source = rows.version(digest="d" * 64)
    dataset = rows.get(DatasetVersion, source).dataset.name
    version = published.version(version=source)
    shown = client.get(f"{MODELS}/digits/versions/1").json()
    assert shown["lineage"] == {
        "job": version.job_id,
        "dataset": f"{dataset}@1",
        "dataset_digest": "d" * 64,
        "seed": 0,
        "parent": None,
    }
    assert (shown["metrics"], shown["parameters"], shown["family"]) == ({"accuracy": 0.97}, 42, "cnn")
    assert shown["report"] == {"accuracy": 0.97}
    assert shown["card"] == "# digits — ✓\n"
    assert shown["signature"]["roles"]["predict"]["inputs"][0]["shape"] == [8, 8, 1]
    assert set(shown["spec"]) == {"network", "training"}
    assert shown["parity"] == {"passed": True}
    assert [file["path"] for file in shown["files"]] == sorted(version.files)
    assert client.get(shown["links"]["report"]).json() == {"accuracy": 0.97}
    job = client.get(shown["links"]["job"]).json()
    assert (job["version"], job["links"]["version"]) == (1, shown["links"]["self"])


@sqlite_only
def test_an_unchanged_version_is_not_sent_again(client: httpx.Client, published: Any) -> None:
    published.version()
    tag = client.get(f"{MODELS}/digits/versions/1").headers["etag"]
    again = client.get(f"{MODELS}/digits/versions/1", headers={"If-None-Match": tag})
    assert again.status_code == 304


def test_pages_hold_every_model_and_version_once(client: httpx.Client, published: Any) -> None:
    for name in ("b", "c", "a", "a", "a"):
        published.version(name)
    for path, key, expected in (
        (MODELS, "name", ["a", "b", "c"]),
        (f"{MODELS}/a/versions", "version", [3, 2, 1]),
    ):
        found, query = [], {"limit": 2}
        while query:
            page = client.get(path, params=query).json()
            found += [item[key] for item in page["items"]]
            query = {"limit": 2, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
        assert found == expected


@sqlite_only
def test_what_an_alias_points_at_is_not_deleted(client: httpx.Client, published: Any, aliases: Any) -> None:
    published.version()
    published.version(promote="never")
    for path in (f"{MODELS}/digits", f"{MODELS}/digits/versions/1"):
        refused = client.delete(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
        assert "champion" in refused.json()["detail"]
    assert client.delete(f"{MODELS}/digits/versions/2").status_code == 204
    assert client.get(f"{MODELS}/digits/versions/2").status_code == 404
    assert client.get(f"{MODELS}/digits").json()["versions"] == 1
    assert published.version(promote="never").number == 3


def test_what_a_training_starts_from_is_not_deleted_before_it_has_ended(
    client: httpx.Client, published: Any, rows: Any, database: Database
) -> None:
    version = published.version(promote="never")
    rows.training(resolved={"network": {}})
    job_id = rows.training(resolved={"start_from": {"id": version.id, "version": "digits@1"}})
    for path in (f"{MODELS}/digits", f"{MODELS}/digits/versions/1"):
        refused = client.delete(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
        assert refused.json()["used_by"] == [f"/api/v1/jobs/{job_id}"]
    client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert client.delete(f"{MODELS}/digits/versions/1").status_code == 204


def test_a_deleted_model_gives_its_name_back(client: httpx.Client, published: Any, aliases: Any) -> None:
    published.version()
    aliases.delete()
    assert client.delete(f"{MODELS}/digits").status_code == 204
    assert client.get(f"{MODELS}/digits").status_code == 404
    assert client.get(MODELS).json()["items"] == []
    assert client.delete(f"{MODELS}/digits").status_code == 404
    assert published.version().number == 1
    assert client.get(f"{MODELS}/digits").json()["aliases"] == {"champion": 1}


@sqlite_only
def test_somebody_elses_model_does_not_exist(
    client: httpx.Client, published: Any, database: Database
) -> None:
    version = published.version()
    with database.write() as session:
        session.get_one(RegisteredModel, version.model_id).owner = "other"
    assert client.get(MODELS).json()["items"] == []
    for path in ("", "/versions", "/versions/1", "/versions/1/artifacts/report.json", "/aliases/champion"):
        assert client.get(f"{MODELS}/digits{path}").status_code == 404


@sqlite_only
def test_what_does_not_exist_is_not_found(client: httpx.Client, published: Any) -> None:
    published.version()
    for path in (
        "x",
        "Digits",
        "digits%20",
        "x/versions",
        "digits/versions/2",
        "digits/versions/2/report",
        "~",
    ):
        answer = client.get(f"{MODELS}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    for number in ("0", "-1", "x", "99999999999999999999"):
        assert client.get(f"{MODELS}/digits/versions/{number}").status_code == 422, number
