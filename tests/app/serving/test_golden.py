import numpy as np
import pytest

from app.serving.golden import GoldenMismatch, check_golden, read_golden

EXPECTED = {"probabilities": np.array([[0.25, 0.75]], np.float32)}


def test_the_same_answer_passes():
    check_golden({"probabilities": np.array([[0.25005, 0.74995]], np.float32)}, EXPECTED)


@pytest.mark.parametrize("wrong", [[[0.2502, 0.7498]], [[np.nan, 0.75]], [[0.25, np.inf]]])
def test_another_answer_is_refused(wrong):
    with pytest.raises(GoldenMismatch, match="differs"):
        check_golden({"probabilities": np.array(wrong, np.float32)}, EXPECTED)


def test_another_shape_is_refused():
    with pytest.raises(GoldenMismatch, match=r"shape \(1, 1\)"):
        check_golden({"probabilities": np.array([[0.25]], np.float32)}, EXPECTED)


def test_the_tolerance_grows_with_the_scale_of_the_output():
    large = {"value": np.array([[1000.0]], np.float32)}
    check_golden({"value": np.array([[1000.05]], np.float32)}, large)
    with pytest.raises(GoldenMismatch):
        check_golden({"value": np.array([[1000.2]], np.float32)}, large)


def test_a_token_that_is_never_to_be_drawn_gives_no_room_to_others():
    expected = {"logits": np.array([[-1e9, 1.0, 2.0]], np.float32)}
    check_golden(expected, expected)
    with pytest.raises(GoldenMismatch):
        check_golden({"logits": np.array([[-1e9, 1.0, 2.1]], np.float32)}, expected)


def test_golden_rows_are_never_unpickled(tmp_path):
    path = tmp_path / "golden.npz"
    np.savez(path, image=np.array([{"not": "numbers"}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_golden(path.read_bytes())
