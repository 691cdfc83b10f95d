import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from models import ranking
from models.ranking import ranking_of


def answers(rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    true = generator.integers(0, classes, rows)
    scores = generator.random((rows, classes)) + 0.7 * np.eye(classes)[true]
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32), true


def test_areas_are_those_of_each_class_against_the_rest() -> None:
    probabilities, true = answers(500, 3)
    found = ranking_of(probabilities, true, ["a", "b", "c"]).content
    for number, each in enumerate(found["classes"]):
        is_class = true == number
        assert each["label"] == "abc"[number]
        assert each["auroc"] == pytest.approx(roc_auc_score(is_class, probabilities[:, number]))
        average = average_precision_score(is_class, probabilities[:, number])
        assert each["average_precision"] == pytest.approx(average)
    assert found["macro"]["auroc"] == pytest.approx(np.mean([each["auroc"] for each in found["classes"]]))


def test_of_two_classes_the_second_is_told_from_the_first() -> None:
    probabilities, true = answers(100, 2)
    found = ranking_of(probabilities, true, ["no", "yes"])
    assert found.labels == ["yes"]
    assert found.content["macro"]["auroc"] == pytest.approx(roc_auc_score(true, probabilities[:, 1]))


def test_curves_rise_to_all_and_have_the_area_that_is_told() -> None:
    probabilities, true = answers(5000, 3)
    found = ranking_of(probabilities, true, ["a", "b", "c"])
    assert (np.diff(found.found) >= 0).all()
    assert (found.found[:, -1] == 1).all()
    assert found.found.mean(axis=1) == pytest.approx(found.areas[:, 0], abs=0.01)
    assert found.precision[:, -1] == pytest.approx([(true == number).mean() for number in range(3)], abs=0.02)
    assert found.precision.mean(axis=1) == pytest.approx(found.areas[:, 1], abs=0.02)


def test_a_class_without_rows_is_left_out() -> None:
    probabilities, true = answers(50, 3)
    assert ranking_of(probabilities, np.where(true == 1, 0, true), ["a", "b", "c"]).labels == ["a", "c"]
    nothing = ranking_of(probabilities, np.zeros(50, int), ["a", "b", "c"])
    assert nothing.content == {"macro": None, "classes": []}


def test_of_very_many_rows_an_even_share_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, true = answers(300, 3)
    whole = ranking_of(probabilities[::2], true[::2], ["a", "b", "c"]).content
    monkeypatch.setattr(ranking, "MOST_PROBABILITIES", 500)
    assert ranking_of(probabilities, true, ["a", "b", "c"]).content == whole


def test_of_very_many_classes_those_with_the_most_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MOST_CLASSES", 2)
    probabilities = np.full((6, 3), 1 / 3, np.float32)
    assert ranking_of(probabilities, np.array([0, 2, 2, 1, 1, 1]), ["a", "b", "c"]).labels == ["b", "c"]
