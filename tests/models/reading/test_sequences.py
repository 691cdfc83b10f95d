import json
from collections.abc import Callable

import numpy as np
import pytest

from models.reading.errors import BadData

Read = Callable[..., tuple]
Refused = Callable[..., BadData]
Archive = Callable[..., bytes]

X = np.random.default_rng(0).normal(size=(30, 6, 2))
CLASSES = np.arange(30) % 3
LENGTHS = np.arange(30) % 4 + 2


def padded(value: float = np.nan) -> np.ndarray:
    x = X.copy()
    x[np.arange(6) >= LENGTHS[:, None]] = value
    return x


def test_sequences_of_one_length_are_kept_as_float32(read_as: Read, archive: Archive) -> None:
    reading, arrays = read_as("sequences", archive(x=X, y=CLASSES))
    schema = reading.schema
    assert (schema.kind, schema.shape, schema.dtype) == ("sequences", (6, 2), "float32")
    assert (schema.variable_length, schema.labels) == (False, ["0", "1", "2"])
    np.testing.assert_array_equal(arrays["x"], X.astype(np.float32))


def test_numbers_alone_are_sequences_of_one_feature(read_as: Read, archive: Archive) -> None:
    x = np.arange(120, dtype=np.int16).reshape(30, 4)
    reading, arrays = read_as("sequences", archive(x=x, y=x[:, 0] / 3))
    assert (reading.schema.shape, reading.schema.targets) == ((4, 1), ["y"])
    np.testing.assert_array_equal(arrays["x"][..., 0], x)


def test_what_is_padded_or_counted_is_of_variable_length(read_as: Read, archive: Archive) -> None:
    (by_nan, first), (by_count, second) = (
        read_as("sequences", archive(**arrays))
        for arrays in ({"x": padded()}, {"x": padded(7.0), "lengths": LENGTHS})
    )
    assert by_nan.schema.variable_length
    # As long as the longest one.
    assert by_nan.schema.shape == (5, 2)
    np.testing.assert_array_equal(first["x"], padded()[:, :5].astype(np.float32))
    np.testing.assert_array_equal(first["x"], second["x"])
    assert by_nan.digest == by_count.digest
    assert set(first) == {"x", "test"}


def test_the_profile_tells_lengths_and_values(read_as: Read, archive: Archive) -> None:
    profile = read_as("sequences", archive(x=padded(), y=CLASSES))[0].profile
    assert (profile["lengths"]["min"], profile["lengths"]["max"]) == (2, 5)
    assert profile["mean"] == pytest.approx(np.nanmean(padded()), rel=1e-5)
    assert sum(profile["histogram"]["counts"]) == LENGTHS.sum() * 2
    assert profile["duplicates"] == 0
    json.dumps(profile, allow_nan=False)


def test_test_rows_may_be_shorter(read_as: Read, archive: Archive) -> None:
    reading, arrays = read_as("sequences", archive(x_train=X, x_test=X[:, :3]))
    assert (reading.schema.shape, reading.schema.variable_length) == ((6, 2), True)
    assert np.isnan(arrays["x"][30:, 3:]).all()


def test_many_sequences_are_read_in_pieces(read_as: Read, archive: Archive) -> None:
    x = np.random.default_rng(0).normal(size=(3000, 50, 20))
    lengths = np.arange(3000) % 50 + 1
    _, arrays = read_as("sequences", archive(x=x, lengths=lengths))
    known = ~np.isnan(arrays["x"]).all(axis=2)
    np.testing.assert_array_equal(known.sum(axis=1), lengths)
    np.testing.assert_array_equal(arrays["x"][known], x.astype(np.float32)[known])


def changed(row: int, step: int, value: float, feature: int | slice = slice(None)) -> np.ndarray:
    x = X.copy()
    x[row, step, feature] = value
    return x


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": changed(7, 2, np.nan)}, "first in row 7, step 2"),
        ({"x": changed(7, 5, np.nan, 0)}, "first in row 7, step 5"),
        ({"x": changed(3, 0, np.inf)}, "first in row 3, step 0"),
        ({"x": changed(29, slice(None), np.nan)}, "no step in row 29"),
        ({"x": X[:, 0, 0]}, "shape [30]"),
        ({"x": X[..., None]}, "shape [30, 6, 2, 1]"),
        ({"x": X.astype(str)}, "x holds text"),
        ({"x": X, "lengths": LENGTHS[:29]}, "lengths is [29] of int64"),
        ({"x": X, "lengths": LENGTHS / 1.0}, "float64"),
        ({"x": X, "lengths": LENGTHS - 2}, "lengths says 0 in row 0"),
        ({"x": X, "lengths": LENGTHS + 4}, "lengths says 7 in row 1"),
        ({"x": X, "lengths": np.array([2**64 - 1] * 30, np.uint64)}, "in row 0"),
        ({"x": padded(), "lengths": np.full(30, 6)}, "step 2"),
        ({"x_train": X, "x_test": X[..., :1]}, "x_test has 1 features a step, but x_train 2"),
        ({"x": np.array([[1.0]] * 30, object)}, "Python objects"),
        ({"x": np.zeros((30, 100_001), np.int8)}, "100,001 steps"),
    ],
)
def test_what_is_no_sequence_is_refused(
    arrays: dict[str, np.ndarray], told: str, refused: Refused, archive: Archive
) -> None:
    assert told in refused("sequences", archive(**arrays)).message


def test_the_canonical_size_counts(refused: Refused, archive: Archive) -> None:
    content = archive(x=np.zeros((100, 1000), np.int8))
    assert "401,600 bytes in canonical form" in refused("sequences", content, max_bytes=300_000).message
