"""The same digits as arrays and as pictures: a classifier must hardly see the difference."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.svm import SVC

from models.decoding.images import decode
from models.reading.canonical import write_canonical
from models.reading.digits import read_digits
from models.reading.options import ReadingOptions
from models.schema import DatasetSchema
from models.signature import TensorSignature


@dataclass(frozen=True)
class Digits:
    schema: DatasetSchema
    images: np.ndarray
    classes: np.ndarray
    classifier: SVC

    def accuracy(self, images: np.ndarray) -> float:
        return float(self.classifier.score(images.reshape(len(images), -1), self.classes))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    folder: Path = tmp_path_factory.mktemp("digits")
    schema = write_canonical(read_digits(), ReadingOptions(), folder, 10**7).schema
    x, y, test = (np.load(folder / f"{name}.npy") for name in ("x", "y", "test"))
    trains = np.ones(len(x), bool)
    trains[test] = False
    classifier = SVC(gamma=0.001).fit(x[trains].reshape(trains.sum(), -1), y[trains])
    return Digits(schema, x[test], y[test], classifier)


@pytest.mark.parametrize("enlarging", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
@pytest.mark.parametrize("on_paper", [False, True], ids=["light on dark", "dark on light"])
def test_enlarged_pictures_score_as_the_arrays_do(
    on_paper: bool, enlarging: Image.Resampling, digits: Digits, encoded: Callable[..., bytes]
) -> None:
    tensor = TensorSignature(name="image", dtype="float32", shape=digits.schema.shape)
    rows = []
    for pixels in digits.images[..., 0]:
        bright = np.round(pixels * (255 / 16)).astype(np.uint8)
        picture = Image.fromarray(255 - bright if on_paper else bright).resize((64, 64), enlarging)
        rows.append(decode(encoded(picture), "image/png", tensor, digits.schema.image, max_pixels=10_000))
    by_array = digits.accuracy(digits.images)
    assert by_array > 0.97
    assert abs(digits.accuracy(np.stack(rows)) - by_array) <= 0.01
