import numpy as np
import pytest

from models.anomalies import normal_only, threshold_of
from models.rows import Rows


def test_only_rows_of_the_normal_classes_train_and_validate():
    y = np.array([0, 1, 2, 1, 0, 2, 0, 2])
    rows = Rows(np.zeros((8, 1)), y, np.array([1, 2, 3, 4]), np.array([0, 5]), np.array([6, 7]))
    normal = normal_only(rows, ["a", "b", "c"], ("b", "a"))
    assert normal.training.tolist() == [1, 3, 4]
    assert normal.validation.tolist() == [0]
    assert normal.test.tolist() == [6, 7], "the report is about all classes"
    assert normal_only(rows, ["a", "b", "c"], None) is rows


def test_the_threshold_is_passed_by_one_normal_row_in_a_hundred():
    errors = np.random.default_rng(0).exponential(size=10_000)
    assert (errors > threshold_of(errors)).mean() == pytest.approx(0.01, abs=1e-3)
