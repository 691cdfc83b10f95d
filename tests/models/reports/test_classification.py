from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from models.reports import classification
from models.reports.report import Examined, Report
from models.schema import DatasetSchema

DIGITS = load_digits()
X, Y = DIGITS.data[:400].astype(np.uint8), DIGITS.target[:400]
SCHEMA = DatasetSchema(
    kind="vectors", rows=400, test_rows=100, shape=(64,), dtype="uint8", labels=list("0123456789")
)


@pytest.fixture(scope="module")
def examined(learnt: Callable[..., Examined]) -> Examined:
    return learnt({"family": "mlp", "dense": [16]}, SCHEMA, X, Y, epochs=10)


@pytest.fixture(scope="module")
def report(examined: Examined) -> Report:
    return classification.report(examined)


def test_figures_are_those_of_the_answers_on_test_rows(examined: Examined, report: Report) -> None:
    test = examined.rows.test
    probabilities = examined.answers("predict", test)["probabilities"]
    assert report.metrics["accuracy"] == (probabilities.argmax(axis=1) == Y[test]).mean() > 0.5
    ranking = report.content["ranking"]
    assert ranking["classes"][3]["auroc"] == pytest.approx(roc_auc_score(Y[test] == 3, probabilities[:, 3]))
    bins = report.content["calibration"]["bins"]
    assert sum(each["rows"] for each in bins) == 100
    confidence = probabilities.max(axis=1)
    assert bins[-1]["rows"] == (confidence > 0.9).sum()


def test_the_pictures_are_drawn_and_there_are_few(report: Report, tmp_path: Path) -> None:
    for name, draw in report.pictures.items():
        draw(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("confusion.png", "ranking.png", "calibration.png", "curves.png"),
    }
