"""Latents of which samples are drawn again and again: the same for every epoch, and for the report."""

from typing import NamedTuple

import numpy as np

from models.asking import Arrays
from models.tensor_names import LABEL, LATENT

# Lines and columns of a grid of samples; of a conditional network a line is a class.
LINES, COLUMNS = 8, 10
_STREAM = 7


class Grid(NamedTuple):
    """Inputs of the role ``sample`` whose answers fill a grid, line by line."""

    inputs: Arrays
    columns: int


def grid_of(latent: int, classes: int | None, seed: int) -> Grid:
    """Return the latents of a grid; with classes, those of one line again for each of the first of them."""
    if classes is None:
        return Grid({LATENT: drawn(latent, LINES * COLUMNS, seed)}, COLUMNS)
    lines = min(classes, COLUMNS)
    latents = np.tile(drawn(latent, COLUMNS, seed), (lines, 1))
    return Grid({LATENT: latents, LABEL: np.repeat(np.arange(lines, dtype=np.int32), COLUMNS)}, COLUMNS)


def drawn(latent: int, count: int, seed: int) -> np.ndarray:
    """Return latents, ``float32[count, latent]``, that the seed decides."""
    generator = np.random.Generator(np.random.Philox(key=[seed, _STREAM]))
    return generator.standard_normal((count, latent), np.float32)
