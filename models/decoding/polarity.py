"""Dark on light, or light on dark: whether a picture must be inverted to look like the training rows."""

from typing import Literal

import numpy as np
from PIL import Image

from models.schema import ImageSchema

Invert = Literal["auto", "yes", "no"]

# Training rows whose border is neither this dark nor this bright say nothing of a polarity.
_DARK, _MIDDLE, _BRIGHT = 0.25, 0.5, 0.75
_GREY = "L"
_WHITE = 255.0


def must_invert(picture: Image.Image, image: ImageSchema, invert: Invert) -> bool:
    """Return whether to invert ``picture``, an 8-bit grey or RGB image.

    ``auto`` inverts grey pictures only: where all training rows have a dark ground, a picture with a
    bright border is one on paper. Colours, and grey photographs, have no polarity.
    """
    if invert != "auto":
        return invert == "yes"
    ground = (image.background - image.low) / (image.high - image.low)
    if picture.mode != _GREY or _DARK < ground < _BRIGHT:
        return False
    return bool((_border(picture) > _MIDDLE) != (ground > _MIDDLE))


def _border(picture: Image.Image) -> float:
    """Return the mean brightness of the outermost pixels, 0 to 1."""
    pixels = np.asarray(picture)
    edges = (pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1])
    return float(np.concatenate(edges).mean()) / _WHITE
