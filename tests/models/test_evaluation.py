import json

import numpy as np
import pytest

from models import evaluation
from models.evaluation import WORST_ROWS, evaluate

LABELS = ["cat", "dog", "cow"]
# Rows 1 and 4 are wrong; row 4 by far.
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.4, 0.0], [0.1, 0.7, 0.2], [0.3, 0.5, 0.2], [0.98, 0.01, 0.01], [0.5, 0.3, 0.2]],
    np.float32,
)
TRUE = np.array([0, 1, 1, 1, 1, 0])
ROWS = np.arange(6)


def test_the_report_counts_what_was_right() -> None:
    report = evaluate(PROBABILITIES, TRUE, ROWS, LABELS)
    assert report["rows"] == 6
    assert report["accuracy"] == pytest.approx(4 / 6)
    assert report["confusion"] == [[2, 0, 0], [2, 2, 0], [0, 0, 0]]
    assert report["loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.5, 0.01, 0.5]).mean(), rel=1e-6)


def test_every_class_has_its_figures_even_without_rows() -> None:
    report = evaluate(PROBABILITIES, TRUE, ROWS, LABELS)
    cat, dog, cow = report["classes"]
    assert cat == {"label": "cat", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 2}
    assert dog == {"label": "dog", "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 4}
    assert cow == {"label": "cow", "precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert report["macro"]["recall"] == pytest.approx(0.75)
    assert report["weighted"]["recall"] == pytest.approx(4 / 6)


def test_the_worst_rows_come_first_and_by_their_number() -> None:
    rows = np.array([5, 4, 1, 0])
    worst = evaluate(PROBABILITIES[rows], TRUE[rows], rows, LABELS)["worst"]
    assert [each["row"] for each in worst] == [4, 1, 5, 0]
    assert worst[0] == {
        "row": 4,
        "label": "dog",
        "predicted": "cat",
        "probability": pytest.approx(0.98),
        "label_probability": pytest.approx(0.01),
        "loss": pytest.approx(-np.log(0.01)),
    }


def test_a_certain_mistake_has_a_finite_loss() -> None:
    sure = np.tile(np.float32([1, 0, 0]), (6, 1))
    report = evaluate(sure, np.array([1] * 6), ROWS, LABELS)
    assert report["loss"] == pytest.approx(-np.log(1e-7), rel=1e-5)


def test_the_report_is_plain_json_and_bounded() -> None:
    certain = np.tile(np.float32([1, 0, 0]), (100, 1))
    report = evaluate(certain, np.zeros(100, int), np.arange(100), LABELS)
    assert len(report["worst"]) == WORST_ROWS
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_very_many_classes_have_no_table_of_each_against_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MOST_CONFUSED", 2)
    assert evaluate(PROBABILITIES, TRUE, ROWS, LABELS)["confusion"] is None
