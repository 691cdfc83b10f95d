"""Pictures of what a network made up after some epochs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from models.latents import COLUMNS
from models.pictures_rows import draw_epochs, draw_rows
from models.reports.report import Examined


def pictures_of_epochs(examined: Examined) -> dict[str, Callable[[Path], None]]:
    """Return a picture of some rows of all epochs and, of images, one of all rows of each epoch."""
    image = examined.schema.image
    made = {epoch: rows for epoch, rows in examined.snapshots.items() if isinstance(rows, np.ndarray)}
    if not made:
        return {}
    pictures: dict[str, Callable[[Path], None]] = {"samples-by-epoch.png": partial(draw_epochs, made, image)}
    if image is not None:
        pictures |= {
            f"samples-epoch-{epoch:04}.png": partial(draw_rows, rows, image, columns=COLUMNS)
            for epoch, rows in sorted(made.items())
        }
    return pictures
