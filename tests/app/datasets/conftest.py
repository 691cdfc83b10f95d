"""Datasets as their readers leave them: files in the store, a version that is ready."""

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from app.database import Database
from app.identifiers import new_id
from app.jobs.claiming import claim
from app.jobs.finishing import fail, finish_reading
from app.settings import Settings
from app.storage import Store
from app.tables import Dataset, DatasetVersion
from workers.children import reader
from workers.children.events import Events
from workers.children.program import Failed
from workers.children.stopping import Stop
from workers.orders import order_of, write_order
from workers.protocol import Failure
from workers.results import ReadingResult, adopt

LABELS = ["zero", "one"]
Ready = Callable[..., np.ndarray]


@pytest.fixture
def npz() -> bytes:
    """An upload of twenty small images of two classes."""
    return archive(x=np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8), y=np.arange(20) % 2)


def archive(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.fixture
def ready(database: Database, settings: Settings) -> Ready:
    """Make a dataset whose first version is ready; every third row is a test row. Returns its images."""
    store = Store(settings.data_dir)
    store.prepare()

    def keep(array: np.ndarray) -> dict[str, Any]:
        path = store.staging / new_id("array")
        with path.open("wb") as file:
            np.save(file, array)
        stored = store.adopt(path)
        return {"sha256": stored.sha256, "bytes": stored.bytes}

    def make(name: str = "digits", *, rows: int = 30, shape: tuple[int, ...] = (8, 8, 1)) -> np.ndarray:
        images = np.random.default_rng(0).integers(0, 17, size=(rows, *shape)).astype(np.uint8)
        y, test = np.arange(rows) % 2, np.arange(0, rows, 3)
        schema = {
            "rows": rows,
            "test_rows": len(test),
            "shape": shape,
            "dtype": "uint8",
            "labels": LABELS,
            "image": {"low": 0, "high": 16, "background": 0},
        }
        profile = {
            "classes": dict(zip(LABELS, np.bincount(y).tolist(), strict=True)),
            "test_classes": dict(zip(LABELS, np.bincount(y[test]).tolist(), strict=True)),
        }
        with database.write() as session:
            dataset = Dataset(id=new_id("dataset"), owner="local", name=name, kind="images")
            version = DatasetVersion(
                id=new_id("dsv"),
                owner="local",
                dataset=dataset,
                number=1,
                state="ready",
                source={"builtin": "digits"},
                options={},
                digest="0" * 64,
                schema=schema,
                profile=profile,
                files={"x.npy": keep(images), "y.npy": keep(y), "test.npy": keep(test)},
            )
            session.add(version)
        return images

    return make


@pytest.fixture
def read_next(database: Database, settings: Settings) -> Callable[[], None]:
    """Do the next job of reading as a worker does it, but all in this process."""
    store = Store(settings.data_dir)

    def read() -> None:
        with database.write() as session:
            job = claim(session, "light", "test")
            assert job is not None, "a job to read waits"
            order = order_of(session, job, settings, store)
        folder = write_order(settings.data_dir / "orders", order)
        events = folder / "events"
        failure: Failure | None = None
        with events.open("wb") as file:
            try:
                reader.read(order, folder / "output", Events(file.fileno()), Stop())
            except Failed as failed:
                failure = failed.failure
        with database.write() as session:
            if failure is not None:
                assert fail(session, order.job, order.attempt, failure.model_dump())
                return
            last = json.loads(events.read_text().splitlines()[-1])
            result = ReadingResult.model_validate(last["data"])
            files = adopt(store, folder / "output", result.files)
            assert finish_reading(
                session, order.job, order.attempt, last["data"], files, max_parameters=10**8
            )

    return read


@pytest.fixture
def upload(client: httpx.Client, read_next: Callable[[], None]) -> Callable[..., dict[str, Any]]:
    """Create a dataset ``mine`` of a kind, upload to it, let it be read, and return the version."""

    def send(kind: str, content: bytes | str, **query: object) -> dict[str, Any]:
        created = client.post("/api/v1/datasets", json={"name": "mine", "kind": kind})
        assert (created.status_code, created.json()["kind"]) == (201, kind)
        answer = client.post("/api/v1/datasets/mine/versions", params=query, content=content)
        assert answer.status_code == 202, answer.text
        read_next()
        version: dict[str, Any] = client.get(answer.headers["location"]).json()
        return version

    return send
