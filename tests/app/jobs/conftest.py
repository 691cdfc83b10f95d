"""A dataset to train on, and the body of a job."""

import json
from typing import Any

import httpx
import pytest

from app.tables import Dataset, DatasetVersion

LABELS = ["zero", "one"]


@pytest.fixture
def digits(rows: Any) -> Dataset:
    """A dataset named ``digits`` whose first version is ready."""
    schema = {
        "rows": 95,
        "test_rows": 32,
        "shape": [8, 8, 1],
        "dtype": "uint8",
        "labels": LABELS,
        "image": {"low": 0, "high": 16, "background": 0},
    }
    profile = {"classes": {"zero": 48, "one": 47}, "test_classes": {"zero": 16, "one": 16}}
    version = rows.get(DatasetVersion, rows.version(schema=schema, profile=profile))
    with rows.database.write() as session:
        session.get_one(Dataset, version.dataset_id).name = "digits"
    return version.dataset


class Jobs:
    """Submits jobs over REST."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def body(self, dataset: str = "digits", **fields: Any) -> dict[str, Any]:
        network = {"family": "cnn", "preset": "cnn-small", "dropout": 0.5}
        return {"model": "reader", "dataset": dataset, "network": network, "training": {"epochs": 3}} | fields

    def post(self, body: object, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        # Written in ASCII, as no library but a hostile client would write half a surrogate pair otherwise.
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | names
        return self.client.post("/api/v1/jobs", content=content, headers=headers)

    def submit(self, dataset: str = "digits", **fields: Any) -> dict[str, Any]:
        """Submit a job that is accepted; return it."""
        answer = self.post(self.body(dataset, **fields))
        assert answer.status_code == 202, answer.text
        return answer.json()

    def get(self, job_id: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/jobs/{job_id}").json()


@pytest.fixture
def jobs(client: httpx.Client) -> Jobs:
    """The addresses of jobs."""
    return Jobs(client)
