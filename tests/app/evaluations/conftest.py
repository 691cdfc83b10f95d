"""A version to evaluate, datasets to evaluate it on, and the addresses of its evaluations."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from dense import LABELS, SHAPE

from app.database import Database
from app.evaluations.finishing import finish
from app.identifiers import new_id
from app.jobs.claiming import claim
from app.tables import Dataset

IMAGES = {
    "kind": "images",
    "rows": 40,
    "test_rows": 10,
    "shape": SHAPE,
    "dtype": "uint8",
    "labels": LABELS,
    "image": {"low": 0, "high": 16, "background": 0},
}


class Evaluations:
    """Evaluations of the first version of ``digits``."""

    def __init__(self, client: httpx.Client, database: Database, store: Any) -> None:
        self.client, self.database, self.store = client, database, store
        self.path = "/api/v1/models/digits/versions/1/evaluations"

    def post(self, dataset: str = "more", **options: Any) -> httpx.Response:
        return self.client.post(self.path, json={"dataset": dataset}, **options)

    def submit(self, dataset: str = "more") -> str:
        answer = self.post(dataset)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def list(self, **query: Any) -> dict[str, Any]:
        return self.client.get(self.path, params=query).json()

    def get(self, job_id: str) -> httpx.Response:
        return self.client.get(f"{self.path}/{job_id}")

    def job(self, job_id: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/jobs/{job_id}").json()

    def run(self, job_id: str, accuracy: float = 0.5) -> None:
        """Do what a worker does with an evaluation."""
        with self.database.write() as session:
            job = claim(session, "light", "w")
            assert job is not None
            assert job.id == job_id
            attempt = job.attempt
        path = self.store.staging / new_id("file")
        path.write_text(json.dumps({"accuracy": accuracy}))
        kept = self.store.adopt(path)
        file = {"sha256": kept.sha256, "bytes": kept.bytes, "media_type": "application/json"}
        with self.database.write() as session:
            assert finish(session, job_id, attempt, {"accuracy": accuracy}, {"report.json": file})


@pytest.fixture
def evaluations(client: httpx.Client, any_registry: Any, database: Database) -> Evaluations:
    """The evaluations of a version that tells classes of images."""
    any_registry.publish()
    return Evaluations(client, database, any_registry.store)


@pytest.fixture
def dataset(rows: Any, database: Database) -> Callable[..., str]:
    """Adds a dataset with one version, ready unless told otherwise; returns the version's id."""

    def add(name: str = "more", state: str = "ready", of: str = "images", **schema: Any) -> str:
        row = f"ds_{name}"
        with database.write() as session:
            session.merge(Dataset(id=row, owner="local", name=name, kind=of))
        found = None if state == "reading" else IMAGES | schema
        version: str = rows.version(state, dataset=row, schema=found)
        return version

    return add
