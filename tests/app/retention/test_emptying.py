"""What has been in the trash for long enough."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.database import Database
from app.retention import emptying
from app.tables import Dataset, DatasetVersion, Event, Job, MetricPoint, ModelVersion

TRASH = "/api/v1/trash"


@pytest.fixture
def deleted(client: httpx.Client, yard: Any, rows: Any) -> dict[str, Any]:
    """A dataset of one version that was deleted just now, with its file."""
    file, source = yard.keep("read"), yard.keep("uploaded")
    version = rows.version(source=source, files={"x.npy": file}, profile={"classes": {"secret": 3}})
    name = rows.get(DatasetVersion, version).dataset.name
    assert client.delete(f"/api/v1/datasets/{name}").status_code == 204
    return {"version": version, "name": name, "files": [file, source]}


def test_a_dataset_goes_after_its_days_with_its_files(
    client: httpx.Client, yard: Any, rows: Any, deleted: dict[str, Any]
) -> None:
    assert yard.run(days=29) == []
    assert len(client.get(TRASH).json()["items"]) == 1
    planned = yard.plan(days=31)
    assert sorted(each.kind for each in planned) == ["object", "object", "trash"]
    assert yard.has(deleted["files"][0])
    assert yard.run(days=31) == planned
    assert [yard.has(file) for file in deleted["files"]] == [False, False]
    assert client.get(TRASH).json()["items"] == []
    row = rows.get(DatasetVersion, deleted["version"])
    assert (row.files, row.profile, "sha256" in row.source) == ({}, None, False)
    assert row.dataset.name.startswith(deleted["name"])


def test_what_was_restored_meanwhile_stays(
    client: httpx.Client, yard: Any, rows: Any, deleted: dict[str, Any]
) -> None:
    planned = yard.plan(days=31)
    [item] = client.get(TRASH).json()["items"]
    assert client.post(f"{TRASH}/{item['id']}/restore").status_code == 204
    assert [each.remove() for each in planned if each.kind == "trash"] == [False]
    assert rows.get(DatasetVersion, deleted["version"]).files != {}
    assert yard.run(days=31) == []


def test_a_version_whose_dataset_went_later_goes_with_it_or_before(
    client: httpx.Client, yard: Any, rows: Any, database: Database
) -> None:
    version = rows.version()
    rows.version(dataset=rows.get(DatasetVersion, version).dataset_id)
    name = rows.get(DatasetVersion, version).dataset.name
    client.delete(f"/api/v1/datasets/{name}/versions/1")
    client.delete(f"/api/v1/datasets/{name}")
    assert len(yard.plan(days=31)) == 1
    assert len(yard.run(days=31)) == 1
    with database.read() as session:
        assert all(
            row.purged_at for table in (Dataset, DatasetVersion) for row in session.scalars(select(table))
        )


def test_a_model_version_goes_and_stays_named_by_its_job(
    client: httpx.Client, yard: Any, rows: Any, any_registry: Any
) -> None:
    version = any_registry.publish(alias=None)
    client.delete("/api/v1/models/digits/versions/1")
    files = list(version.files.values())
    yard.run(days=31)
    assert [yard.has(file) for file in files] == [False] * len(files)
    assert rows.get(ModelVersion, version.id).number == 1


def test_a_job_goes_with_what_it_told(client: httpx.Client, yard: Any, rows: Any, database: Database) -> None:
    gone, other = rows.training(), rows.training()
    with database.write() as session:
        for job_id in (gone, other):
            session.add(MetricPoint(job_id=job_id, key="loss", step=1, attempt=1, epoch=1, value=0.5))
    for job_id in (gone, other):
        client.post(f"/api/v1/jobs/{job_id}/cancel")
    client.delete(f"/api/v1/jobs/{gone}")
    yard.run(days=31)
    with database.read() as session:
        assert set(session.scalars(select(Event.job_id))) == {other}
        assert session.scalars(select(MetricPoint.job_id)).all() == [other]
        assert session.get_one(Job, gone).purged_at is not None


def test_without_days_it_goes_at_once(client: httpx.Client, yard: Any, deleted: dict[str, Any]) -> None:
    yard.settings = yard.settings.model_copy(update={"trash_days": 0})
    assert [each.kind for each in yard.run()] == ["trash"]


def test_what_was_never_deleted_is_never_due(yard: Any, rows: Any, any_registry: Any) -> None:
    rows.version()
    rows.training()
    any_registry.publish()
    assert list(emptying.look(yard.site(days=10_000))) == []
