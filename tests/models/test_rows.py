import numpy as np
import pytest

from models.rows import spread


@pytest.mark.parametrize(
    ("most", "kept"), [(3, [10, 14, 19]), (1, [10]), (0, [10]), (99, list(range(10, 20)))]
)
def test_of_many_rows_some_are_taken_evenly(most: int, kept: list[int]) -> None:
    assert spread(np.arange(10, 20), most).tolist() == kept
