from collections.abc import Callable

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from app.database import Database
from app.identifiers import new_id
from app.tables import Dataset, DatasetVersion, Job, ModelVersion, RegisteredModel

Ready = Callable[..., np.ndarray]


def test_a_deleted_dataset_is_gone_and_its_name_is_free(
    client: httpx.Client, ready: Ready, database: Database
) -> None:
    ready()
    assert client.delete("/api/v1/datasets/digits").status_code == 204
    assert client.get("/api/v1/datasets/digits").status_code == 404
    assert client.get("/api/v1/datasets").json()["items"] == []
    assert client.delete("/api/v1/datasets/digits").status_code == 404
    assert client.post("/api/v1/datasets", json={"name": "digits"}).status_code == 201
    with database.read() as session:
        assert session.scalars(select(DatasetVersion)).one().deleted_at is not None
        assert len(session.scalars(select(Dataset)).all()) == 2


def test_the_number_of_a_deleted_version_is_not_given_again(client: httpx.Client, ready: Ready) -> None:
    ready()
    assert client.delete("/api/v1/datasets/digits/versions/1").status_code == 204
    assert client.get("/api/v1/datasets/digits/versions/1").status_code == 404
    assert client.get("/api/v1/datasets/digits").json()["latest"] is None
    added = client.post("/api/v1/datasets/digits/versions", json={"builtin": "digits"})
    assert added.json()["number"] == 2


@pytest.mark.parametrize("path", ["digits", "digits/versions/1"])
def test_what_a_job_uses_is_not_deleted_before_it_has_ended(
    client: httpx.Client, database: Database, path: str
) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    refused = client.delete(f"/api/v1/datasets/{path}")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    with database.write() as session:
        job = session.scalars(select(Job)).one()
        assert refused.json()["used_by"] == [f"/api/v1/jobs/{job.id}"]
        job.state = "failed"
    assert client.delete(f"/api/v1/datasets/{path}").status_code == 204


def test_what_a_model_was_trained_on_is_kept_as_long_as_the_model(
    client: httpx.Client, ready: Ready, database: Database
) -> None:
    ready()
    with database.write() as session:
        source = session.scalars(select(DatasetVersion)).one()
        job = Job(
            id=new_id("job"), owner="local", kind="training", slot="training", state="succeeded", request={}
        )
        model = RegisteredModel(id=new_id("model"), owner="local", name="reader")
        session.add_all([job, model])
        session.flush()
        version = ModelVersion(
            id=new_id("version"),
            owner="local",
            model_id=model.id,
            number=4,
            job_id=job.id,
            dataset_version_id=source.id,
            family="cnn",
            parameters=1,
            spec={},
            signature={},
            metrics={},
            parity={},
            files={},
        )
        session.add(version)
    refused = client.delete("/api/v1/datasets/digits")
    assert refused.json()["used_by"] == ["/api/v1/models/reader/versions/4"]
    assert client.delete("/api/v1/models/reader/versions/4").status_code == 204
    assert client.delete("/api/v1/datasets/digits").status_code == 204
