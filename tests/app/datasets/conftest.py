"""Datasets as their readers leave them: files in the store, a version that is ready."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.database import Database
from app.identifiers import new_id
from app.settings import Settings
from app.storage import Store
from app.tables import Dataset, DatasetVersion

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
