from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.calibration import calibration_of
from models.pictures_classes import draw_calibration, draw_ranking
from models.ranking import ranking_of


@pytest.mark.parametrize("classes", [2, 10, 15, 30])
def test_pictures_are_drawn_for_few_and_many_classes(classes: int, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    true = generator.integers(0, classes, 400)
    scores = generator.random((400, classes)) + np.eye(classes)[true]
    probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    labels = [rf"$\class {number}" for number in range(classes)]
    draw_ranking(ranking_of(probabilities, true, labels), tmp_path / "ranking.png")
    draw_calibration(calibration_of(probabilities, true), tmp_path / "calibration.png")
    for name in ("ranking.png", "calibration.png"):
        with Image.open(tmp_path / name, formats=["PNG"]) as picture:
            assert len(np.unique(np.asarray(picture.convert("L")))) > 20


def test_where_there_is_but_one_class_the_picture_is_empty_yet_drawn(tmp_path: Path) -> None:
    probabilities, true = np.full((5, 3), 1 / 3, np.float32), np.zeros(5, int)
    draw_ranking(ranking_of(probabilities, true, ["a", "b", "c"]), tmp_path / "ranking.png")
    draw_calibration(calibration_of(probabilities, true), tmp_path / "calibration.png")
    assert (tmp_path / "ranking.png").stat().st_size > 5_000
