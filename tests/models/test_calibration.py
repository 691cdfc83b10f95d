import numpy as np
import pytest

from models.calibration import BINS, calibration_of


def test_who_is_right_as_often_as_he_is_sure_has_no_error() -> None:
    probabilities = np.tile(np.array([[0.75, 0.25]], np.float32), (8, 1))
    found = calibration_of(probabilities, np.array([0] * 6 + [1] * 2))
    assert found["expected_error"] == pytest.approx(0)
    (used,) = [each for each in found["bins"] if each["rows"]]
    assert (used["from"], used["to"]) == (0.7, 0.8)
    assert (used["rows"], used["confidence"], used["accuracy"]) == (8, 0.75, 0.75)


def test_the_error_is_the_mean_difference_by_rows() -> None:
    # Three rows that are sure and wrong, one that is not sure and right.
    probabilities = np.array([[1, 0], [1, 0], [1, 0], [0.4, 0.6]], np.float32)
    found = calibration_of(probabilities, np.array([1, 1, 1, 1]))
    assert found["expected_error"] == pytest.approx((3 * 1 + 1 * 0.4) / 4)
    assert found["bins"][BINS - 1]["accuracy"] == 0
    assert found["bins"][0] == {"from": 0.0, "to": 0.1, "rows": 0, "confidence": None, "accuracy": None}


def test_errors_in_opposite_directions_do_not_make_up_for_each_other() -> None:
    probabilities = np.array([[0.95, 0.05], [0.55, 0.45]], np.float32)
    found = calibration_of(probabilities, np.array([1, 0]))
    assert found["expected_error"] == pytest.approx((0.95 + 0.45) / 2)
