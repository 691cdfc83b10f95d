"""A job that is paused while its dataset is being read."""

from typing import Any

import httpx
import pytest

from app.database import Database
from app.jobs import finishing
from app.jobs.claiming import claim

IMAGES = {
    "kind": "images",
    "rows": 95,
    "test_rows": 32,
    "shape": [8, 8, 1],
    "dtype": "uint8",
    "labels": ["zero", "one"],
    "image": {"low": 0, "high": 16, "background": 0},
}
FLAT = {"kind": "vectors", "rows": 95, "test_rows": 32, "shape": [4], "dtype": "float32", "targets": ["v"]}


def read(database: Database, schema: dict[str, Any] | None) -> None:
    """End the reading of the one dataset there is: well, if with a schema."""
    with database.write() as session:
        job = claim(session, "light", "w")
        assert job is not None
        if schema is None:
            failure = {"code": "bad_data", "message": "It is torn.", "hint": None, "retryable": False}
            finishing.fail(session, job.id, 1, failure)
            return
        found = {"schema": schema, "profile": {}, "split": {}, "warnings": [], "digest": "d"}
        finishing.finish_reading(session, job.id, 1, found, {}, max_parameters=10**8)


@pytest.mark.parametrize(("schema", "state"), [(IMAGES, "queued"), (FLAT, "failed"), (None, "failed")])
def test_resumed_it_finds_out_what_became_of_the_dataset(
    jobs: Any, client: httpx.Client, database: Database, schema: dict[str, Any] | None, state: str
) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    job = jobs.submit()["id"]
    assert client.post(f"/api/v1/jobs/{job}/pause").json()["state"] == "paused"
    read(database, schema)
    assert jobs.get(job)["state"] == "paused"
    assert client.post(f"/api/v1/jobs/{job}/resume").status_code == 202
    found = jobs.get(job)
    assert (found["state"], found["resolved"] is not None) == (state, state == "queued")
    if state == "failed":
        assert found["error"]["code"] == "bad_data"
