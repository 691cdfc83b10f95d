import json

import numpy as np
import pytest

from models.evaluation import BATCH_ROWS, WORST_ROWS, evaluate, predict_rows

LABELS = ["cat", "dog", "cow"]
# Rows 1 and 4 are wrong; row 4 by far.
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.6, 0.4, 0.0], [0.1, 0.7, 0.2], [0.3, 0.5, 0.2], [0.98, 0.01, 0.01], [0.5, 0.3, 0.2]],
    np.float32,
)
TRUE = np.array([0, 1, 1, 1, 1, 0])
ROWS = np.arange(6)
X = np.arange(6)[:, None]


def by_row(rows: np.ndarray) -> np.ndarray:
    return PROBABILITIES[rows[:, 0].astype(int)]


def test_the_report_counts_what_was_right() -> None:
    report = evaluate(by_row, X, TRUE, ROWS, LABELS).report
    assert report["rows"] == 6
    assert report["accuracy"] == pytest.approx(4 / 6)
    assert report["confusion"] == [[2, 0, 0], [2, 2, 0], [0, 0, 0]]
    assert report["loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.5, 0.01, 0.5]).mean(), rel=1e-6)


def test_every_class_has_its_figures_even_without_rows() -> None:
    report = evaluate(by_row, X, TRUE, ROWS, LABELS).report
    cat, dog, cow = report["classes"]
    assert cat == {"label": "cat", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 2}
    assert dog == {"label": "dog", "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 4}
    assert cow == {"label": "cow", "precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert report["macro"]["recall"] == pytest.approx(0.75)
    assert report["weighted"]["recall"] == pytest.approx(4 / 6)


def test_the_worst_rows_come_first_and_by_their_number() -> None:
    rows = np.array([5, 4, 1, 0])
    worst = evaluate(by_row, X, TRUE, rows, LABELS).report["worst"]
    assert [each["row"] for each in worst] == [4, 1, 5, 0]
    assert worst[0] == {
        "row": 4,
        "label": "dog",
        "predicted": "cat",
        "probability": pytest.approx(0.98),
        "label_probability": pytest.approx(0.01),
        "loss": pytest.approx(-np.log(0.01)),
    }


def test_only_the_given_rows_are_looked_at() -> None:
    seen: list[int] = []

    def spy(rows: np.ndarray) -> np.ndarray:
        seen.extend(rows[:, 0].astype(int))
        return by_row(rows)

    evaluation = evaluate(spy, X, TRUE, np.array([3, 1]), LABELS)
    assert seen == [3, 1]
    np.testing.assert_array_equal(evaluation.probabilities, PROBABILITIES[[3, 1]])


def test_a_certain_mistake_has_a_finite_loss() -> None:
    def sure(rows: np.ndarray) -> np.ndarray:
        return np.tile(np.float32([1, 0, 0]), (len(rows), 1))

    report = evaluate(sure, X, np.array([1] * 6), ROWS, LABELS).report
    assert report["loss"] == pytest.approx(-np.log(1e-7), rel=1e-5)


def test_rows_go_through_in_batches_as_float32_and_in_order() -> None:
    batches: list[int] = []
    x = np.arange(2 * BATCH_ROWS + 3, dtype=np.uint16)[:, None]

    def predict(rows: np.ndarray) -> np.ndarray:
        assert rows.dtype == np.float32
        batches.append(len(rows))
        return rows * 2

    found = predict_rows(predict, x, np.arange(len(x))[::-1])
    assert batches == [BATCH_ROWS, BATCH_ROWS, 3]
    np.testing.assert_array_equal(found, x[::-1] * 2)


def test_the_report_is_plain_json_and_bounded() -> None:
    x = np.zeros((100, 1))
    report = evaluate(by_row, x, np.zeros(100, int), np.arange(100), LABELS).report
    assert len(report["worst"]) == WORST_ROWS
    assert json.loads(json.dumps(report, allow_nan=False)) == report
