"""Versions as finished training jobs leave them: published, with their files in the store."""

import json
from typing import Any

import httpx
import pytest

from app.database import Database
from app.identifiers import new_id
from app.jobs.claiming import claim
from app.jobs.fence import held
from app.registry.publishing import publish
from app.settings import Settings
from app.storage import Store
from app.tables import ModelVersion

CONTENTS = {
    "predict.onnx": (bytes(range(256)) * 8, "application/octet-stream"),
    "report.json": (json.dumps({"accuracy": 0.97}).encode(), "application/json"),
    "card.md": ("# digits — ✓\n".encode(), "text/markdown"),
    "pictures/confusion.png": (b"\x89PNG", "image/png"),
}


class Published:
    """Publishes versions, without training."""

    def __init__(self, rows: Any, database: Database, store: Store) -> None:
        self.rows = rows
        self.database = database
        self.store = store

    def keep(self, content: bytes, media_type: str) -> dict[str, Any]:
        path = self.store.staging / new_id("file")
        path.write_bytes(content)
        stored = self.store.adopt(path)
        return {"sha256": stored.sha256, "bytes": stored.bytes, "media_type": media_type}

    def version(
        self,
        model: str = "digits",
        *,
        side: int = 8,
        metrics: dict[str, float] | None = None,
        task: str = "classification",
        **columns: Any,
    ) -> ModelVersion:
        """Publish a version of ``model`` that takes images of ``side`` pixels a side."""
        image = {"name": "image", "dtype": "float32", "shape": [side, side, 1]}
        answer = {"name": "probabilities", "dtype": "float32", "shape": [2]}
        role = {"graph": "predict.onnx", "inputs": [image], "outputs": [answer]}
        result = {
            "metrics": {"accuracy": 0.97} if metrics is None else metrics,
            "parameters": 42,
            "signature": {"task": task, "roles": {"predict": role}, "labels": ["no", "yes"]},
            "best": {"epoch": 3},
            "stop_reason": "completed",
            "parity": {"passed": True},
        }
        files = {path: self.keep(content, kind) for path, (content, kind) in CONTENTS.items()}
        job_id = self.rows.training(model, **columns)
        with self.database.write() as session:
            claim(session, "training", "w")
        with self.database.write() as session:
            job = held(session, job_id, 1)
            assert job is not None
            return publish(session, job, result, files)


@pytest.fixture
def published(rows: Any, database: Database, settings: Settings) -> Published:
    """A registry to publish to."""
    store = Store(settings.data_dir)
    store.prepare()
    return Published(rows, database, store)


class Aliases:
    """The addresses of the aliases of one model."""

    def __init__(self, client: httpx.Client, model: str = "digits") -> None:
        self.client = client
        self.path = f"/api/v1/models/{model}/aliases"

    def get(self, alias: str = "champion", **headers: str) -> httpx.Response:
        return self.client.get(f"{self.path}/{alias}", headers=_names(headers))

    def put(
        self,
        version: int,
        alias: str = "champion",
        *,
        force: bool = False,
        not_worse_on: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        body = {"version": version, "not_worse_on": not_worse_on} | ({"force": True} if force else {})
        return self.client.put(f"{self.path}/{alias}", json=body, headers=_names(headers))

    def rollback(self, alias: str = "champion", **body: Any) -> httpx.Response:
        return self.client.post(f"{self.path}/{alias}/rollback", **({"json": body} if body else {}))

    def delete(self, alias: str = "champion", **headers: str) -> httpx.Response:
        return self.client.delete(f"{self.path}/{alias}", headers=_names(headers))


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def aliases(client: httpx.Client) -> Aliases:
    """The aliases of ``digits``."""
    return Aliases(client)
