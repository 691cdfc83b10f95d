"""Pictures of any mode to plain grey or RGB: 16 bits cut to 8, transparency put on a ground."""

from typing import Literal

import numpy as np
from PIL import Image

_MIDDLE = 127.5
_GLANCE = (64, 64)
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def flattened(picture: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    """Return ``picture`` as 8-bit ``mode``, without transparency.

    What is transparent becomes white, or black if the visible part is bright: a drawing stays visible.
    """
    if picture.mode in _DEEP:
        # Pillow would clip these at 255.
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert(mode)
    layered = picture.convert("RGBA")
    ground = Image.new("RGBA", layered.size, "black" if _brightness(layered) > _MIDDLE else "white")
    ground.alpha_composite(layered)
    return ground.convert(mode)


def _brightness(layered: Image.Image) -> float:
    """Return the mean brightness, 0 to 255, weighed by how much is seen of each pixel."""
    glance = layered.resize(_GLANCE, Image.Resampling.BOX)
    seen = np.asarray(glance.getchannel("A"), np.float32)
    weight = float(seen.sum())
    return float((np.asarray(glance.convert("L"), np.float32) * seen).sum()) / weight if weight else 0.0
