"""Rows that are images, drawn side by side as one PNG."""

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.schema import ImageSchema

PNG_TYPE = "image/png"
_CHANNELS = (1, 3)


def drawable(shape: tuple[int, ...], image: ImageSchema | None) -> bool:
    """Tell whether rows of this shape are pictures."""
    return image is not None and len(shape) == 3 and shape[2] in _CHANNELS


def draw_grid(rows: npt.NDArray[Any], image: ImageSchema) -> bytes:
    """Return a PNG of ``[rows, height, width, channels]``, left to right, then down, about as wide as high.

    ``image.low`` is drawn black and ``image.high`` white; places without a row have the background.
    """
    count, height, width, channels = rows.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    cells = np.full((down * across, height, width, channels), image.background, np.float32)
    cells[:count] = rows
    share = (cells - image.low) / (image.high - image.low)
    pixels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    sheet = pixels.reshape(down, across, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(down * height, across * width, channels)
    content = io.BytesIO()
    Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet).save(content, "PNG")
    return content.getvalue()
