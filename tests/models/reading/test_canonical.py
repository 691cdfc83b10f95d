import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from models.reading.canonical import write_canonical
from models.reading.digits import read_digits
from models.reading.errors import BadData
from models.reading.options import ReadingOptions
from models.schema import DatasetSchema

Saved = Callable[..., Path]
Read = Callable[..., tuple]


def test_the_digits_are_read_with_360_test_rows(tmp_path: Path) -> None:
    reading = write_canonical(read_digits(), ReadingOptions(), tmp_path, 10**7)
    x, y, test = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("x", "y", "test"))
    assert (x.shape, x.dtype) == ((1797, 8, 8, 1), np.uint8)
    assert (reading.schema.image.low, reading.schema.image.high) == (0, 16)
    assert reading.schema.image.background < 4
    assert reading.schema.labels == list("0123456789")
    assert len(test) == 360
    assert (np.diff(test) > 0).all()
    assert np.abs(np.bincount(y[test]) - 36).max() <= 1
    assert reading.warnings == []
    assert DatasetSchema.model_validate_json((tmp_path / "schema.json").read_text()) == reading.schema


def test_the_profile_tells_what_the_data_is_like(saved: Saved, read: Read) -> None:
    x = np.zeros((12, 4, 4), np.uint8)
    x[:, 1:3, 1:3] = np.arange(12)[:, None, None] * 20
    x[1] = x[0]
    profile = read(saved(x=x, y=[0] * 8 + [1] * 4), test_fraction=0.25)[0].profile
    assert profile["rows"] == 12
    assert profile["shape"] == [4, 4, 1]
    assert profile["dtype"] == "uint8"
    assert profile["classes"] == {"0": 8, "1": 4}
    assert profile["test_classes"] == {"0": 2, "1": 1}
    assert profile["range"] == [0, 220]
    assert profile["mean"] == pytest.approx(x.mean())
    assert (sum(profile["histogram"]["counts"]), profile["histogram"]["counts"][0]) == (x.size, x.size - 40)
    assert profile["background"] == 0
    assert profile["missing"] == 0
    assert profile["constant"] is False
    assert profile["duplicates"] == 1
    json.dumps(profile, allow_nan=False)


def test_the_background_is_that_of_the_training_rows(saved: Saved, read: Read, classes: np.ndarray) -> None:
    trains, tests = np.full((30, 5, 5), 10, np.uint8), np.full((10, 5, 5), 200, np.uint8)
    trains[:, 1:-1, 1:-1] = 250
    path = saved(x_train=trains, y_train=classes[:30], x_test=tests, y_test=classes[30:])
    assert read(path)[0].schema.image.background == 10


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, (0, 1)),
        (-1, 1, (-1, 1)),
        (0, 16, (0, 16)),
        (0, 255, (0, 255)),
        (3, 200, (0, 255)),
        (0, 4000, (0, 65535)),
    ],
)
def test_the_customary_range_that_holds_all_pixels_is_found(
    low: float, high: float, expected: tuple[float, float], saved: Saved, read: Read, classes: np.ndarray
) -> None:
    x = np.linspace(low, high, 40 * 16).reshape(40, 4, 4)
    reading = read(saved(x=x, y=classes))[0]
    assert (reading.schema.image.low, reading.schema.image.high) == expected
    assert reading.warnings == []


def test_an_odd_range_is_taken_as_it_is_and_told(saved: Saved, read: Read, classes: np.ndarray) -> None:
    x = np.linspace(-2.5, 3.5, 40 * 16).reshape(40, 4, 4)
    reading = read(saved(x=x, y=classes))[0]
    assert (reading.schema.image.low, reading.schema.image.high) == (-2.5, 3.5)
    assert "options.range" in reading.warnings[0]


def test_a_range_that_is_given_is_kept(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    schema = read(saved(x=images, y=classes), range=[-10, 300])[0].schema
    assert (schema.image.low, schema.image.high) == (-10, 300)


@pytest.mark.parametrize("given", [[0, 254], [1, 255]])
def test_a_range_that_pixels_leave_is_refused(
    given: list[float], saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    with pytest.raises(BadData, match="between 0 and 255") as raised:
        read(saved(x=images, y=classes), range=given)
    assert raised.value.field == "options.range"


def test_equal_content_and_options_have_one_digest(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    digest = read(saved(x=images, y=classes))[0].digest
    assert read(saved(compressed=True, y=classes, x=images[..., None]))[0].digest == digest
    changed = images.copy()
    changed[5, 2, 2] ^= 1
    others = [
        read(saved(x=changed, y=classes))[0].digest,
        read(saved(x=images, y=(classes + 1) % 4))[0].digest,
        read(saved(x=images, y=classes + 1))[0].digest,
        read(saved(x=images, y=classes), seed=1)[0].digest,
        read(saved(x=images, y=classes), range=[0, 300])[0].digest,
        read(saved(x=images.astype(np.int16), y=classes))[0].digest,
    ]
    assert len({digest, *others}) == 7


def test_one_seed_gives_one_split_and_another_a_different_one(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    path = saved(x=images, y=classes)
    first, again, other = (read(path, seed=seed)[1]["test"].tolist() for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_stratified_split_keeps_the_mixture(saved: Saved, read: Read, images: np.ndarray) -> None:
    y = np.array([0] * 30 + [1] * 10)
    _, arrays = read(saved(x=images, y=y), test_fraction=0.5)
    assert np.bincount(y[arrays["test"]]).tolist() == [15, 5]


def test_a_split_can_be_left_to_chance(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading, arrays = read(saved(x=images, y=classes), stratified=False, test_fraction=0.3)
    assert reading.split["method"] == "random"
    assert len(arrays["test"]) == 12
    assert reading.warnings == []


def test_a_class_of_one_row_stays_in_training(saved: Saved, read: Read, images: np.ndarray) -> None:
    y = np.array([0] * 20 + [1] * 19 + [2])
    for seed in range(5):
        reading, arrays = read(saved(x=images, y=y), seed=seed)
        assert 39 not in arrays["test"]
    assert "1 classes have a single row" in reading.warnings[0]


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("distinct", [2, 5, 9, 10])
def test_every_fraction_of_few_rows_leaves_rows_on_both_sides(
    distinct: int, fraction: float, saved: Saved, read: Read, images: np.ndarray
) -> None:
    reading, _ = read(saved(x=images[:10], y=np.arange(10) % distinct), test_fraction=fraction)
    assert 1 <= reading.schema.test_rows <= 9


def test_a_stratified_split_that_cannot_be_is_drawn_at_random_and_told(
    saved: Saved, read: Read, images: np.ndarray
) -> None:
    reading = read(saved(x=images, y=np.arange(40) % 20), test_fraction=0.1)[0]
    assert reading.split["method"] == "random"
    assert "at random" in reading.warnings[0]


def test_test_rows_that_are_trained_on_are_told(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    path = saved(x_train=images, y_train=classes, x_test=images[:3], y_test=classes[:3])
    assert any(warning.startswith("3 test rows stand among") for warning in read(path)[0].warnings)


def test_images_without_contrast_are_told(saved: Saved, read: Read, classes: np.ndarray) -> None:
    reading = read(saved(x=np.full((40, 4, 4), 7.0), y=classes))[0]
    assert reading.profile["constant"] is True
    assert any("same value, 7" in warning for warning in reading.warnings)


def test_labels_without_rows_are_told(
    saved: Saved, read: Read, images: np.ndarray, classes: np.ndarray
) -> None:
    reading = read(saved(x=images, y=classes), labels=["a", "b", "c", "d", "e"])[0]
    assert reading.profile["classes"]["e"] == 0
    assert reading.warnings == ["1 of 5 classes have no row."]


@pytest.mark.parametrize(
    "options",
    [
        {"test_fraction": 0},
        {"test_fraction": 0.95},
        {"test_fraction": float("nan")},
        {"seed": -1},
        {"seed": 2**32},
        {"labels": ["a", "a"]},
        {"labels": ["a"]},
        {"labels": ["a", ""]},
        {"labels": ["a", "b\nc"]},
        {"labels": ["a", "b" * 101]},
        {"range": [1, 1]},
        {"range": [2, 1]},
        {"range": [0, float("inf")]},
        {"range": [0]},
        {"fraction": 0.2},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReadingOptions.model_validate(options)
