import numpy as np
import pytest

from models.reading.classes import read_classes
from models.reading.errors import BadData
from models.reading.source import Part


def parts(y: object, *more: object) -> list[Part]:
    return [Part(np.zeros((1, 1, 1)), np.asarray(each), "x", "y") for each in (y, *more)]


def refusal(y: object, labels: list[str] | None = None) -> BadData:
    with pytest.raises(BadData) as raised:
        read_classes(parts(y), labels)
    return raised.value


@pytest.mark.parametrize(
    ("y", "indices", "labels"),
    [
        ([0, 1, 2, 1], [0, 1, 2, 1], ["0", "1", "2"]),
        ([[3], [7], [3]], [0, 1, 0], ["3", "7"]),
        ([-1, 1, 1], [0, 1, 1], ["-1", "1"]),
        ([0.0, 2.0, 1.0], [0, 2, 1], ["0", "1", "2"]),
        ([True, False], [1, 0], ["0", "1"]),
        (["dog", "cat", "dog"], [1, 0, 1], ["cat", "dog"]),
        (np.array([1, 2], ">i4"), [0, 1], ["1", "2"]),
        (np.array([2**63 + 1, 5], np.uint64), [1, 0], ["5", "9223372036854775809"]),
    ],
)
def test_distinct_values_are_the_classes(y: object, indices: list[int], labels: list[str]) -> None:
    found, names = read_classes(parts(y), None)
    assert found.tolist() == indices
    assert found.dtype == np.int64
    assert names == labels


def test_classes_of_all_parts_count() -> None:
    found, names = read_classes(parts([0, 1], [5]), None)
    assert found.tolist() == [0, 1, 2]
    assert names == ["0", "1", "5"]


@pytest.mark.parametrize(
    ("y", "labels", "indices"),
    [
        ([0, 1, 1], ["cat", "dog"], [0, 1, 1]),
        ([1, 2, 3], ["a", "b", "c"], [0, 1, 2]),
        ([0, 3], ["a", "b", "c", "d"], [0, 3]),
        (["dog", "cat"], ["dog", "cat", "cow"], [0, 1]),
    ],
)
def test_labels_name_the_classes(y: object, labels: list[str], indices: list[int]) -> None:
    found, names = read_classes(parts(y), labels)
    assert found.tolist() == indices
    assert names == labels


@pytest.mark.parametrize("y", [[0, 1, 7], [-1, 0, 1]])
def test_labels_that_are_too_few_are_refused(y: list[int]) -> None:
    error = refusal(y, ["a", "b"])
    assert error.field == "options.labels"
    assert f"numbered {y[0]} to {y[-1]}" in error.message


def test_a_class_name_that_no_label_has_is_refused() -> None:
    error = refusal(["cat", "cow"], ["cat", "dog"])
    assert error.field == "options.labels"
    assert "'cow'" in error.message


@pytest.mark.parametrize(
    ("y", "told"),
    [
        ([0, 0, 0], "1 different classes"),
        (np.arange(1001), "1,001 different classes; 2 to 1,000"),
        (np.eye(3), "y.argmax(axis=1)"),
        (np.zeros((2, 2, 2)), "[2, 2, 2]"),
        (3, "[]"),
        ([0.5, 1.0], "not whole"),
        ([np.nan, 1.0], "not whole"),
        ([np.inf, 1.0], "not whole"),
        ([1e300, 1.0], "not whole"),
        (["", "a"], "class name ''"),
        (["a" * 101, "b"], "1 to 100 printable"),
        (["a\nb", "b"], "printable"),
    ],
)
def test_what_are_no_classes_is_refused(y: object, told: str) -> None:
    error = refusal(y)
    assert error.field == "y"
    assert told in f"{error.message} {error.hint}"
