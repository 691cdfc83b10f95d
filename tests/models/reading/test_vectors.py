import io
from collections.abc import Callable

import numpy as np
import pytest

Read = Callable[..., tuple]
Refused = Callable[..., object]
Archive = Callable[..., bytes]

X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_vectors_keep_their_dtype_and_whole_numbers_are_classes(read_as: Read, archive: Archive) -> None:
    reading, arrays = read_as("vectors", archive(x=X, y=np.arange(40) % 2))
    schema = reading.schema
    assert (schema.kind, schema.shape, schema.dtype) == ("vectors", (5,), "float32")
    assert (schema.labels, schema.targets, schema.image) == (["0", "1"], [], None)
    np.testing.assert_array_equal(arrays["x"], X)
    assert arrays["y"].dtype == np.int64
    assert sum(reading.profile["histogram"]["counts"]) == X.size
    assert reading.split["method"] == "stratified"


def test_fractions_are_values(read_as: Read, archive: Archive) -> None:
    y = X[:, :2].astype(np.float64)
    reading, arrays = read_as("vectors", archive(x_train=X, y_train=y, x_test=X, y_test=y))
    assert (reading.schema.labels, reading.schema.targets) == ([], ["y_1", "y_2"])
    assert (arrays["y"].dtype, arrays["y"].shape) == (np.float32, (80, 2))
    assert [target["name"] for target in reading.profile["targets"]] == ["y_1", "y_2"]
    assert reading.profile["targets"][0]["mean"] == pytest.approx(y[:, 0].mean())


def test_one_array_alone_has_no_target(read_as: Read, archive: Archive) -> None:
    for content in (npy(X), archive(x=X)):
        reading, arrays = read_as("vectors", content)
        assert (reading.schema.labels, reading.schema.targets) == ([], [])
        assert set(arrays) == {"x", "test"}
        assert (reading.split["method"], reading.warnings) == ("random", [])


def test_what_targets_are_can_be_said(read_as: Read, archive: Archive) -> None:
    content = archive(x=X, y=(np.arange(40) % 3).astype(np.float32))
    assert read_as("vectors", content)[0].schema.targets == ["y"]
    assert read_as("vectors", content, target_kind="classes")[0].schema.labels == ["0", "1", "2"]
    assert read_as("vectors", content, labels=["a", "b", "c"])[0].schema.labels == ["a", "b", "c"]
    nothing = read_as("vectors", content, target_kind="none")[0].schema
    assert (nothing.labels, nothing.targets) == ([], [])


def test_the_last_rows_can_be_kept_for_the_test(read_as: Read, archive: Archive) -> None:
    reading, arrays = read_as("vectors", archive(x=X), split="last", test_fraction=0.25)
    assert arrays["test"].tolist() == list(range(30, 40))
    assert reading.split == {"method": "last", "test_fraction": 0.25, "train_rows": 30, "test_rows": 10}


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": X[:, :, None]}, "vectors, [rows, values], were expected"),
        ({"x": X.astype(str)}, "x holds text"),
        ({"x": np.where(X > 2, np.nan, X)}, "NaN, infinite"),
        ({"x": X, "y": X[:39, 0]}, "x has 40 rows but y has 39"),
        ({"x": X, "y": np.float64(1)}, "y has none"),
        ({"x": X, "y": np.where(X[:, 0] > 1, np.inf, X[:, 0])}, "y holds a value that is missing"),
        ({"x": X, "y": np.zeros((40, 2, 2))}, "shape [40, 2, 2]"),
        ({"x_train": X, "y_train": X[:, 0], "x_test": X}, "y_test is missing"),
        ({"x_train": X, "x_test": X[:, :4]}, "x_test has rows of shape [4]"),
        ({"x": np.array([{}] * 40, object)}, "Python objects"),
        ({"x": np.zeros((40, 1_000_001), bool)}, "1,000,001 values a row"),
    ],
)
def test_what_is_no_vector_is_refused(
    arrays: dict[str, np.ndarray], told: str, refused: Refused, archive: Archive
) -> None:
    assert told in refused("vectors", archive(**arrays)).message


def test_targets_that_are_not_there_cannot_be_asked_for(refused: Refused) -> None:
    assert refused("vectors", npy(X), target_kind="values").field == "options.target_kind"
    assert refused("vectors", npy(X), labels=["a", "b"]).field == "options.labels"


@pytest.mark.parametrize(
    "content",
    [npy(X)[:-1], npy(X)[:20], b"\x93NUMPY", npy(np.array([{}], object)), npy(X).replace(b"(40", b"(90")],
)
def test_a_broken_array_is_refused(content: bytes, refused: Refused) -> None:
    assert refused("vectors", content).field == "x"


def test_a_table_is_no_vector(refused: Refused) -> None:
    assert "not a whole .npz archive" in refused("vectors", "a,b\n1,2\n").message
