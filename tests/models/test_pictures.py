from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.evaluation import evaluate
from models.pictures import draw_confusion, draw_curves, draw_worst
from models.schema import ImageSchema

GREY = ImageSchema(low=0, high=16, background=0)


def report_of(labels: list[str], rows: int = 60) -> dict:
    generator = np.random.default_rng(0)
    probabilities = generator.random((rows, len(labels)), np.float32)
    return evaluate(probabilities, generator.integers(0, len(labels), rows), np.arange(rows), labels)


def opened(path: Path) -> np.ndarray:
    with Image.open(path, formats=["PNG"]) as picture:
        picture.load()
        return np.asarray(picture.convert("RGB"))


def has_drawing(pixels: np.ndarray) -> bool:
    colours = np.unique(pixels.astype(np.int32) @ [1, 256, 65536])
    return len(colours) > 20 and min(pixels.shape[:2]) > 150


@pytest.mark.parametrize("classes", [2, 10, 25, 60])
def test_confusion_is_drawn_for_few_and_many_classes(classes: int, tmp_path: Path) -> None:
    draw_confusion(report_of([f"class {number}" for number in range(classes)]), tmp_path / "confusion.png")
    assert has_drawing(opened(tmp_path / "confusion.png"))


def test_confusion_shows_right_in_blue_and_mistakes_in_orange(tmp_path: Path) -> None:
    report = {"classes": [{"label": "a"}, {"label": "b"}], "confusion": [[4, 0], [2, 2]]}
    draw_confusion({**report, "accuracy": 0.75, "rows": 8}, tmp_path / "confusion.png")
    height, width, _ = opened(tmp_path / "confusion.png").shape
    red, _, blue = opened(tmp_path / "confusion.png")[int(height * 0.25), int(width * 0.25)]
    assert blue > red
    red, _, blue = opened(tmp_path / "confusion.png")[int(height * 0.75), int(width * 0.25)]
    assert red > blue


@pytest.mark.parametrize(
    "epochs",
    [
        [{"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.1, "val_accuracy": 0.4}],
        [{"epoch": n, "loss": 1 / n, "accuracy": 1 - 1 / n} for n in range(1, 30)],
        [{"epoch": 1, "loss": 1.0, "accuracy": None}, {"epoch": 2, "loss": None, "accuracy": None}],
        [],
    ],
    ids=["one epoch", "no validation", "not a number", "nothing"],
)
def test_curves_are_drawn_whatever_there_is(epochs: list[dict], tmp_path: Path) -> None:
    draw_curves(epochs, tmp_path / "curves.png")
    assert opened(tmp_path / "curves.png").shape[1] > 800


@pytest.mark.parametrize(("shape", "rows"), [((8, 8, 1), 60), ((5, 9, 3), 3), ((300, 10, 1), 1)])
def test_the_worst_rows_are_shown(shape: tuple[int, ...], rows: int, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 17, (rows, *shape), np.uint8)
    draw_worst(report_of(["a", "b"], rows), x, GREY, tmp_path / "worst.png")
    assert has_drawing(opened(tmp_path / "worst.png"))


def test_names_that_look_like_formulas_are_only_names(tmp_path: Path) -> None:
    report = report_of([r"$\frac$", "$", "a" * 100])
    draw_confusion(report, tmp_path / "confusion.png")
    draw_worst(report, np.zeros((60, 8, 8, 1)), GREY, tmp_path / "worst.png")
    assert has_drawing(opened(tmp_path / "worst.png"))
