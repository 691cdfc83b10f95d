import json

import numpy as np
import pytest

from app.errors import Invalid
from app.protocols.classification import Classification

LABELS = ("zero", 'quoted "one"', "zwei ü", "three")


LINEAGE = {"model": "digits", "version": 3, "job": "job_1", "labels": LABELS}


@pytest.fixture
def answers():
    return Classification(LINEAGE, LABELS)


def test_an_answer_has_lineage_and_one_prediction_for_each_row(answers):
    rows = np.random.default_rng(0).dirichlet(np.ones(4), size=3).astype(np.float32)
    answer = json.loads(answers.write(rows))
    predictions = answer.pop("predictions")
    assert answer == {"model": "digits", "version": 3, "job": "job_1", "labels": list(LABELS)}
    assert [p["label"] for p in predictions] == [LABELS[i] for i in rows.argmax(axis=1)]
    np.testing.assert_array_equal(np.array([p["probabilities"] for p in predictions], np.float32), rows)
    np.testing.assert_array_equal(
        np.array([p["probability"] for p in predictions], np.float32), rows.max(axis=1)
    )


def test_numbers_are_the_shortest_that_come_back_as_they_were(answers):
    row = np.array([[0.1, 1 / 3, 1e-20, 0.5666667]], np.float32)
    text = answers.write(row)
    assert b'"probability":0.5666667,"probabilities":[0.1,0.33333334,1e-20,0.5666667]' in text


@pytest.mark.parametrize("best", range(4))
def test_the_best_class_is_found_wherever_it_stands(answers, best):
    row = np.full((1, 4), 0.1, np.float32)
    row[0, best] = 0.7
    (prediction,) = json.loads(answers.write(row))["predictions"]
    assert (prediction["label"], prediction["probability"]) == (LABELS[best], 0.7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_leaves(answers, value):
    rows = np.full((2, 4), 0.25, np.float32)
    rows[1, 2] = value
    with pytest.raises(Invalid) as refusal:
        answers.write(rows)
    assert refusal.value.code == "not_finite"


def test_a_label_called_null_is_not_taken_for_a_missing_number():
    answers = Classification(LINEAGE, ("null", "1", "2", "3"))
    answer = json.loads(answers.write(np.array([[0.7, 0.1, 0.1, 0.1]], np.float32)))
    assert answer["predictions"][0]["label"] == "null"
