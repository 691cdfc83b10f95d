"""Rows drawn small, many on one sheet: images as they are, numbers as curves."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from models.schema import ImageSchema

# Sides of a thumbnail, in pixels.
MIN_SIDE, MAX_SIDE = 48, 128
GAP = 4
_CURVE_SIZE = (128, 64)
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")


def sheet(thumbnails: Sequence[Image.Image]) -> bytes:
    """Return a PNG of thumbnails of one size, in a grid about as wide as high."""
    columns = max(1, math.ceil(len(thumbnails) ** 0.5))
    lines = math.ceil(len(thumbnails) / columns)
    width, height = thumbnails[0].size if thumbnails else (MIN_SIDE, MIN_SIDE)
    whole = Image.new("RGB", (columns * (width + GAP) + GAP, max(1, lines) * (height + GAP) + GAP), "white")
    for index, thumbnail in enumerate(thumbnails):
        line, column = divmod(index, columns)
        whole.paste(thumbnail, (GAP + column * (width + GAP), GAP + line * (height + GAP)))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG")
    return buffer.getvalue()


def thumbnail(row: np.ndarray, image: ImageSchema) -> Image.Image:
    """Return a row of pixels as a picture, small but not too small."""
    low, high = image.low, image.high
    scaled = np.clip((row.astype(np.float32) - low) / (high - low) * 255, 0, 255).round().astype(np.uint8)
    picture = Image.fromarray(scaled[..., 0] if scaled.shape[-1] == 1 else scaled)
    if max(picture.size) > MAX_SIDE:
        picture.thumbnail((MAX_SIDE, MAX_SIDE))
    else:
        # Whole multiples and no smoothing: the pixels of a small image are to be seen as they are.
        factor = math.ceil(MIN_SIDE / max(picture.size))
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    return picture.convert("RGB")


def curves(row: np.ndarray) -> Image.Image:
    """Return a vector, ``[values]``, or the first features of a sequence, ``[time, features]``, as curves.

    Steps that are NaN are left out; all curves share one scale.
    """
    width, height = _CURVE_SIZE
    picture = Image.new("RGB", _CURVE_SIZE, "#f4f4f4")
    draw = ImageDraw.Draw(picture)
    shown = (row[:, None] if row.ndim == 1 else row)[:, : len(_COLOURS)].astype(np.float64)
    if np.isnan(shown).all():
        return picture
    low, high = np.nanmin(shown), np.nanmax(shown)
    across = np.linspace(0, width - 1, len(shown))
    up = (height - 1) * (1 - (shown - low) / (high - low or 1.0))
    for colour, curve in zip(_COLOURS, up.T, strict=False):
        points = [(x, y) for x, y in zip(across.tolist(), curve.tolist(), strict=True) if not math.isnan(y)]
        if len(points) > 1:
            draw.line(points, fill=colour)
        elif points:
            draw.point(points, fill=colour)
    return picture
