import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from models.reading.errors import BadData

Saved = Callable[..., object]
Read = Callable[..., tuple]


def refusal(read: Read, path: object, **options: object) -> BadData:
    with pytest.raises(BadData) as raised:
        read(path, **options)
    return raised.value


def test_an_upload_becomes_memory_mappable_arrays(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading, arrays = read(saved(x=images, y=classes))
    assert reading.schema.shape == (6, 5, 1)
    assert reading.schema.dtype == "uint8"
    assert reading.schema.rows == 40
    assert reading.schema.labels == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(arrays["x"][..., 0], images)
    np.testing.assert_array_equal(arrays["y"], classes)
    assert arrays["y"].dtype == np.int64
    assert isinstance(arrays["x"], np.memmap)


def test_compression_makes_no_difference(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    plain = read(saved(x=images, y=classes))[0]
    assert read(saved(compressed=True, x=images, y=classes))[0] == plain


def test_the_files_own_test_rows_stand_behind_the_others(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    path = saved(x_train=images[:30], y_train=classes[:30], x_test=images[30:], y_test=classes[30:])
    reading, arrays = read(path)
    assert reading.split == {"method": "given", "train_rows": 30, "test_rows": 10}
    assert arrays["test"].tolist() == list(range(30, 40))
    np.testing.assert_array_equal(arrays["x"][..., 0], images)
    np.testing.assert_array_equal(arrays["y"], classes)


def test_training_rows_alone_are_split(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading, _ = read(saved(x_train=images, y_train=classes))
    assert reading.split["method"] == "stratified"
    assert reading.schema.test_rows == 8


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "int64", "uint16", ">f4", ">i2"])
def test_values_of_every_number_type_are_kept(
    dtype: str, saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading, arrays = read(saved(x=images.astype(dtype), y=classes))
    assert reading.schema.dtype == str(np.dtype(dtype).newbyteorder("="))
    np.testing.assert_array_equal(arrays["x"][..., 0], images)


def test_black_and_white_images_become_bytes(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading, arrays = read(saved(x=images > 127, y=classes))
    assert reading.schema.dtype == "uint8"
    assert (reading.schema.image.low, reading.schema.image.high) == (0, 1)
    np.testing.assert_array_equal(arrays["x"][..., 0], images > 127)


def test_column_major_arrays_are_turned(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    _, arrays = read(saved(x=np.asfortranarray(images), y=classes))
    np.testing.assert_array_equal(arrays["x"][..., 0], images)


def test_more_than_a_chunk_of_rows_arrives_whole(saved: Saved, read: Read) -> None:
    x = np.random.default_rng(0).random((700, 64, 64), np.float32)
    _, arrays = read(saved(x=x, y=np.arange(700) % 2))
    np.testing.assert_array_equal(arrays["x"][..., 0], x)


def test_colour_images_keep_their_channels(saved: Saved, read: Read, classes: np.ndarray) -> None:
    x = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), np.uint8)
    reading, arrays = read(saved(x=x, y=classes))
    assert reading.schema.shape == (4, 4, 3)
    np.testing.assert_array_equal(arrays["x"], x)


def test_arrays_that_are_not_used_are_named(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading, _ = read(saved(x=images, y=classes, x_tset=images))
    assert reading.warnings == ["Not used: 'x_tset'."]


def test_an_array_of_objects_is_refused_without_unpickling(
    saved: Saved,
    read: Read,
    images: np.ndarray,
    classes: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    canary = tmp_path_factory.mktemp("canary") / "ran"

    class Trap:
        def __reduce__(self) -> tuple:
            return (canary.write_text, ("ran",))

    objects = np.array([Trap()] * 40, object)
    error = refusal(read, saved(x=objects, y=classes))
    assert error.field == "x"
    assert "x holds Python objects (dtype 'object')" in error.message
    assert not canary.exists()
    assert refusal(read, saved(x=images, y=objects)).field == "y"


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.zeros(40, [("a", "f4"), ("b", "f4")]), "records"),
        (np.zeros((40, 4, 4), complex), "complex numbers"),
        (np.zeros((40, 4, 4), "M8[s]"), "dates"),
        (np.zeros((40, 4, 4), "m8[s]"), "time spans"),
        (np.zeros((40, 4, 4), "S3"), "bytes"),
        (np.zeros((40, 4, 4), "U3"), "text"),
        (np.zeros((40, 4, 4), np.longdouble), "float128"),
        (np.zeros((40, 0, 4)), "x is empty"),
        (np.zeros((0, 4, 4)), "x is empty"),
        (np.zeros((40, 16)), "x.reshape(-1, 28, 28)"),
        (np.float64(3), "images"),
        (np.zeros((40, 2, 2, 1, 1)), "[40, 2, 2, 1, 1]"),
        (np.zeros((40, 3, 8, 8)), "x.transpose(0, 2, 3, 1)"),
        (np.zeros((40, 8, 8, 4)), "x[..., :3]"),
        (np.zeros((40, 8, 8, 2)), "2 channels"),
        (np.zeros((40, 1, 5000), np.uint8), "at most 4096"),
    ],
)
def test_arrays_that_are_not_images_are_refused(
    x: np.ndarray, told: str, saved: Saved, read: Read, classes: np.ndarray
) -> None:
    error = refusal(read, saved(x=x, y=classes))
    assert error.field == "x"
    assert told in f"{error.message} {error.hint}"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e31])
def test_values_that_are_not_numbers_are_refused_with_their_row(
    value: float, saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    x = images.astype(np.float64)
    x[17, 3, 2] = value
    error = refusal(read, saved(x=x, y=classes))
    assert error.field == "x"
    assert "first in row 17" in error.message


def test_counts_that_differ_are_refused(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    error = refusal(read, saved(x=images, y=classes[:39]))
    assert "x has 40 rows but y has 39" in error.message


@pytest.mark.parametrize("test_x", [np.zeros((10, 5, 5), np.uint8), np.zeros((10, 6, 5), np.float32)])
def test_test_rows_of_another_form_are_refused(
    test_x: np.ndarray, saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    path = saved(x_train=images, y_train=classes, x_test=test_x, y_test=classes[:10])
    error = refusal(read, path)
    assert error.field == "x_test"
    assert "x_train" in error.message


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ["arr_0", "arr_1"],
            "x and y (or x_train and y_train) were expected; the file holds 'arr_0', 'arr_1'",
        ),
        (["x", "y_train"], "x_train is missing"),
        (["y"], "x is missing"),
        (["x_train", "y_train", "x_test"], "y_test is missing"),
        (["x_train", "y"], "y_train is missing"),
    ],
)
def test_missing_arrays_are_named(
    names: list[str], told: str, saved: Saved, read: Read, images: np.ndarray
) -> None:
    error = refusal(read, saved(**dict.fromkeys(names, images)))
    assert told in error.message


def test_too_few_rows_are_refused(saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray) -> None:
    assert "9 rows; at least 10" in refusal(read, saved(x=images[:9], y=classes[:9])).message
    read(saved(x=images[:10], y=classes[:10]))


def test_what_grows_beyond_the_limit_in_canonical_form_is_refused(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    path = saved(x=images, y=classes.astype(np.uint8))
    canonical = images.nbytes + 16 * 40
    assert "at most 1,839" in refusal(read, path, max_bytes=canonical - 1).message
    read(path, max_bytes=canonical)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_upload_is_never_loaded_whole(order: str, saved: Saved, read: Read) -> None:
    x = np.zeros((1000, 256, 256), np.uint8)
    x[:] = np.arange(1000)[:, None, None] % 251
    path = saved(x=np.asarray(x, order=order), y=np.arange(1000) % 3)
    size = x.nbytes
    del x
    tracemalloc.start()
    reading, _ = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reading.schema.rows == 1000
    assert peak < size / 2
