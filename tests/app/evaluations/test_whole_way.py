"""The whole way of an evaluation with nothing scripted: REST, a worker, its child, the store."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dense import LABELS, SHAPE
from PIL import Image

from app.database import Database
from app.settings import Settings
from app.tables import Dataset, DatasetVersion, ModelVersion
from models.specs.cnn import CnnSpec
from models.specs.training import TrainingSpec
from workers.worker import Worker

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SPEC = {"network": CnnSpec().model_dump(mode="json"), "training": TrainingSpec().model_dump(mode="json")}


@pytest.fixture
def worker(settings: Settings, database: Database) -> Iterator[Worker]:
    worker = Worker(settings.model_copy(update={"training_slots": 0, "light_slots": 1}))
    worker.start()
    yield worker
    worker.stop()


def kept(registry: Any, **arrays: np.ndarray) -> dict[str, dict[str, object]]:
    files = {}
    for name, array in arrays.items():
        content = io.BytesIO()
        np.save(content, array)
        files[f"{name}.npy"] = registry.keep(content.getvalue())
    return files


def test_a_version_is_examined_on_rows_that_it_has_not_seen(
    evaluations: Any, any_registry: Any, database: Database, rows: Any, worker: Worker, until: Any
) -> None:
    generator = np.random.default_rng(3)
    x = generator.integers(0, 17, (40, 8, 8, 1)).astype(np.uint8)
    y, test = generator.integers(0, 2, 40), np.arange(10)
    files = kept(any_registry, x=x, y=y, test=test)
    with database.write() as session:
        session.add(Dataset(id="ds_more", owner="local", name="more", kind="images"))
        for version in session.query(ModelVersion):
            version.spec = SPEC
    # Its classes are two of the three that the version knows, in another order.
    image = {"low": 0, "high": 16, "background": 0}
    schema = {"rows": 40, "test_rows": 10, "shape": SHAPE, "dtype": "uint8", "image": image}
    schema |= {"labels": ["two", "zero"]}
    version = rows.version(dataset="ds_more", schema=schema, files=files)
    assert rows.get(DatasetVersion, version).number == 1

    job = evaluations.submit("more@1")
    until(lambda: evaluations.job(job)["state"] in {"succeeded", "failed"}, "the evaluation")
    found = evaluations.get(job).json()
    assert (found["state"], found["error"]) == ("succeeded", None)
    true = np.array([LABELS.index(label) for label in ("two", "zero")])[y[:10]]
    answers = any_registry.expected(0, x[:10]).argmax(axis=1)
    assert found["metrics"]["accuracy"] == pytest.approx((answers == true).mean())
    assert [each["label"] for each in found["report"]["classes"]] == list(LABELS)
    assert [each["support"] for each in found["report"]["classes"]] == np.bincount(true, minlength=3).tolist()
    assert (found["report"]["version"], found["report"]["dataset"]) == ("digits@1", "more@1")
    pictures = [file for file in found["files"] if file["media_type"] == "image/png"]
    assert {file["path"] for file in pictures} == {
        *("confusion.png", "ranking.png", "calibration.png", "worst.png"),
    }
    for file in pictures:
        Image.open(io.BytesIO(evaluations.client.get(file["href"]).content), formats=["PNG"]).verify()
    assert [phase["phase"] for phase in evaluations.job(job)["phases"]] == [
        *("starting", "preparing", "evaluating", "drawing"),
    ]
