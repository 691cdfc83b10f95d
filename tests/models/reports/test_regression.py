from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.reports import regression
from models.reports.report import Examined, Report
from models.schema import DatasetSchema

SCHEMA = DatasetSchema(
    kind="vectors", rows=80, test_rows=20, shape=(3,), dtype="float32", targets=["sum", "$first$"]
)


@pytest.fixture(scope="module")
def examined(learnt: Callable[..., Examined]) -> Examined:
    x = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    y = np.stack([x.sum(axis=1), x[:, 0]], axis=1)
    return learnt({"family": "mlp", "dense": []}, SCHEMA, x, y, epochs=5)


@pytest.fixture(scope="module")
def report(examined: Examined) -> Report:
    return regression.report(examined)


def test_errors_are_those_of_the_answers_on_test_rows(examined: Examined, report: Report) -> None:
    test = examined.rows.test
    errors = examined.answers("predict", test)["values"] - examined.rows.y[test]
    assert report.metrics["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert report.metrics["rmse"] == pytest.approx(np.sqrt(np.square(errors).mean()), rel=1e-5)
    variance = examined.rows.y[test].var(axis=0)
    explained = 1 - np.square(errors).mean(axis=0) / variance
    assert [each["r2"] for each in report.content["targets"]] == pytest.approx(explained, rel=1e-4)
    assert report.content["worst"][0]["row"] == test[np.abs(errors).max(axis=1).argmax()]


def test_the_pictures_are_drawn(report: Report, tmp_path: Path) -> None:
    for name, draw in report.pictures.items():
        draw(tmp_path / name)
        with Image.open(tmp_path / name, formats=["PNG"]) as picture:
            assert len(np.unique(np.asarray(picture.convert("L")))) > 20
    assert set(report.pictures) == {"residuals.png", "curves.png"}
