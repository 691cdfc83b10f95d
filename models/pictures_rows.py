"""Pictures of rows as they are and as a network makes them: grids of images, lines of numbers."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from models.pictures import FAINT, INK, TRAINING, VALIDATION, save, style, thumbnail
from models.schema import ImageSchema

_COLUMNS = 10
_LINES = 8
# Pixels that a tile of a grid has at least, and the gaps between tiles and between lots of them.
_TILE, _GAP, _WIDE_GAP = 56, 3, 10
# And at most; larger images are shown smaller.
_LARGEST_TILE = 112
_PAPER = 255
_LABEL_WIDTH, _LABEL_SIZE = 84, 14
# Samples that are drawn of an epoch where they are lines.
_SAMPLES = 3


def draw_pairs(originals: np.ndarray, returned: np.ndarray, image: ImageSchema | None, path: Path) -> None:
    """Draw rows above what came back of them, ``[rows, *shape]``; rows that are no images, as lines."""
    if image is None:
        _draw_lines(originals, returned, path)
        return
    pairs = [tiles(rows, image) for rows in (originals, returned)]
    lots = []
    for start in range(0, len(originals), _COLUMNS):
        lots += [lined(part[start : start + _COLUMNS]) for part in pairs]
    gaps = [_WIDE_GAP if place % 2 else _GAP for place in range(len(lots) - 1)]
    _save(stacked(lots, [*gaps, _GAP]), path)


def draw_rows(rows: np.ndarray, image: ImageSchema | None, path: Path, *, columns: int = _COLUMNS) -> None:
    """Draw rows, ``[rows, *shape]``, in lines of so many; rows that are no images, as lines."""
    if image is None:
        _draw_lines(rows, None, path)
        return
    drawn = tiles(rows, image)
    lots = [lined(drawn[start : start + columns]) for start in range(0, len(drawn), columns)]
    _save(stacked(lots, [_GAP] * len(lots)), path)


def draw_epochs(made: Mapping[int, np.ndarray], image: ImageSchema | None, path: Path) -> None:
    """Draw some of what was made up after some epochs, ``[rows, *shape]`` each, an epoch below the other."""
    if image is None:
        _draw_lines_of_epochs(made, path)
        return
    lines = []
    for epoch in sorted(made):
        # Evenly spread: of a conditional network, rows of every class.
        places = np.linspace(0, len(made[epoch]) - 1, _COLUMNS).astype(int)
        line = lined(tiles(made[epoch][places], image))
        lines.append(np.concatenate([_written(f"epoch {epoch}", line.shape[0]), line], axis=1))
    _save(stacked(lines, [_GAP] * len(lines)), path)


def tiles(rows: np.ndarray, image: ImageSchema) -> list[np.ndarray]:
    """Return images as ``uint8[height, width, 3]``, each of a size in which it can be seen."""
    drawn = []
    for row in rows:
        pixels = np.clip(thumbnail(row, image), 0, 1)
        coloured = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        drawn.append(_sized(np.round(coloured * 255).astype(np.uint8)))
    return drawn


def _sized(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    factor = max(1, -(-_TILE // max(height, width)))
    large = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    excess = max(large.shape[:2]) / _LARGEST_TILE
    if excess <= 1:
        return large
    size = (max(1, round(width * factor / excess)), max(1, round(height * factor / excess)))
    return np.asarray(Image.fromarray(large).resize(size, Image.Resampling.BOX))


def lined(tiles_: list[np.ndarray]) -> np.ndarray:
    """Return tiles side by side."""
    gap = np.full((len(tiles_[0]), _GAP, 3), _PAPER, np.uint8)
    parts = [part for tile in tiles_ for part in (tile, gap)]
    return np.concatenate(parts[:-1], axis=1)


def stacked(lines: list[np.ndarray], gaps: list[int]) -> np.ndarray:
    """Return lines of tiles one below the other, with a gap after each, in a frame of paper."""
    width = max(line.shape[1] for line in lines)
    parts = []
    for line, gap in zip(lines, gaps, strict=True):
        parts.append(np.pad(line, ((0, gap), (0, width - line.shape[1]), (0, 0)), constant_values=_PAPER))
    grid = np.concatenate(parts)
    return np.pad(grid, ((_GAP, 0), (_GAP, _GAP), (0, 0)), constant_values=_PAPER)


def _written(text: str, height: int) -> np.ndarray:
    """Return a text on paper, ``uint8[height, width, 3]``."""
    paper = Image.new("RGB", (_LABEL_WIDTH, height), (_PAPER,) * 3)
    place = (_LABEL_WIDTH - 8, height // 2)
    ImageDraw.Draw(paper).text(place, text, fill=INK, anchor="rm", font=ImageFont.load_default(_LABEL_SIZE))
    return np.asarray(paper)


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, format="PNG", optimize=False)


def _draw_lines(rows: np.ndarray, returned: np.ndarray | None, path: Path) -> None:
    """Draw the numbers of a few rows side by side, as lines, over those that came back of them."""
    count = min(_LINES, len(rows))
    figure = Figure(figsize=(11, 1.9 * -(-count // 2)), layout="constrained")
    places = np.linspace(0, len(rows) - 1, count).astype(int)
    for number, place in enumerate(places, 1):
        axes = figure.add_subplot(-(-count // 2), 2, number)
        axes.axhline(0, color=FAINT, linewidth=1)
        axes.plot(rows[place].reshape(-1), color=TRAINING, linewidth=1.2, label="row")
        if returned is not None:
            axes.plot(returned[place].reshape(-1), color=VALIDATION, linewidth=1.2, label="reconstruction")
            if number == 1:
                axes.legend(frameon=False, labelcolor=INK, ncols=2, loc="upper right", fontsize=8)
        style(axes)
        axes.tick_params(labelsize=7)
    save(figure, path)


def _draw_lines_of_epochs(made: Mapping[int, np.ndarray], path: Path) -> None:
    """Draw the numbers of a few rows of each epoch, as lines, in axes of their own."""
    lines = max(1, -(-len(made) // 2))
    figure = Figure(figsize=(11, 1.9 * lines), layout="constrained")
    for number, epoch in enumerate(sorted(made), 1):
        axes = figure.add_subplot(lines, 2, number)
        for row in made[epoch][:_SAMPLES]:
            axes.plot(row.reshape(-1), linewidth=1, color=TRAINING, alpha=0.6)
        axes.set_title(f"epoch {epoch}", color=INK, fontsize=9)
        style(axes)
        axes.tick_params(labelsize=7)
    save(figure, path)
