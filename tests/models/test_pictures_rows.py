from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.pictures_rows import draw_epochs, draw_pairs, draw_rows, tiles
from models.schema import ImageSchema

GREY = ImageSchema(low=0, high=16, background=0)


def opened(path: Path) -> np.ndarray:
    with Image.open(path, formats=["PNG"]) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((8, 8, 1), (56, 56)), ((28, 28, 1), (56, 56)), ((100, 50, 3), (100, 50)), ((448, 224, 3), (112, 56))],
)
def test_tiles_are_of_a_size_in_which_they_can_be_seen(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    (tile,) = tiles(np.full((1, *shape), 8.0), GREY)
    assert tile.shape == (*size, 3)
    assert (tile == 128).all()


def test_what_is_beyond_the_range_is_black_or_white() -> None:
    (tile,) = tiles(np.array([[[[-5.0], [40.0]]]]), GREY)
    assert tile[0, 0].tolist() == [0, 0, 0]
    assert tile[0, -1].tolist() == [255, 255, 255]


def test_each_original_is_above_what_came_back(tmp_path: Path) -> None:
    originals, returned = np.zeros((12, 8, 8, 1)), np.full((12, 8, 8, 1), 8.0)
    draw_pairs(originals, returned, GREY, tmp_path / "pairs.png")
    grid = opened(tmp_path / "pairs.png")
    tops = [3, 62, 128, 187]
    assert [int(grid[top + 5, 5, 0]) for top in tops] == [0, 128, 0, 128]
    # The second lot has but two rows.
    assert [int(grid[top + 5, 3 + 2 * 59 + 5, 0]) for top in tops] == [0, 128, 255, 255]


def test_rows_stand_in_lines_in_their_order(tmp_path: Path) -> None:
    rows = np.arange(6.0)[:, None, None, None] * np.ones((8, 8, 1))
    draw_rows(rows, GREY, tmp_path / "rows.png", columns=3)
    grid = opened(tmp_path / "rows.png")
    found = [[int(grid[8 + 59 * line, 8 + 59 * column, 0]) for column in range(3)] for line in range(2)]
    assert found == [[0, 16, 32], [48, 64, 80]]


def test_an_epoch_is_drawn_below_the_other_with_its_number(tmp_path: Path) -> None:
    made = {3: np.full((20, 8, 8, 1), 16.0), 1: np.zeros((20, 8, 8, 1))}
    draw_epochs(made, GREY, tmp_path / "epochs.png")
    grid = opened(tmp_path / "epochs.png")
    labels, rows = grid[:, :84].min(axis=(1, 2)), grid[:, -10]
    assert rows[20].tolist() == [0, 0, 0]
    assert rows[90].tolist() == [255, 255, 255]
    assert labels[:59].min() < 100 > labels[62:].min()


def test_rows_that_are_no_images_are_lines_epoch_by_epoch(tmp_path: Path) -> None:
    made = {epoch: np.random.default_rng(epoch).normal(size=(10, 30)) for epoch in (1, 2, 5)}
    draw_epochs(made, None, tmp_path / "epochs.png")
    assert (tmp_path / "epochs.png").stat().st_size > 5_000
