"""Images: what their arrays must look like, and the way into the canonical file."""

from pathlib import Path

import numpy as np

from models.reading.errors import BadData
from models.reading.limits import MAX_SIDE
from models.reading.options import ReadingOptions
from models.reading.pixel_range import pixel_range
from models.reading.profile import measure
from models.reading.rows import Written, check_agreement, copy_rows
from models.reading.source import Part, Source
from models.reading.split import Split
from models.reading.vectors import histogram
from models.schema import X_FILE, ImageSchema

_CHANNELS = (1, 3)
_SAMPLE_BYTES = 1024**2


def images_bytes(source: Source) -> int:
    """Return the size of the images in canonical form; all parts must agree in shape and dtype."""
    for part in source.parts:
        _row_shape(part)
    check_agreement(source.parts)
    return sum(part.x.nbytes for part in source.parts)


def write_images(source: Source, split: Split, options: ReadingOptions, folder: Path) -> Written:
    """Write ``x.npy``, ``[rows, height, width, channels]``, and say what the images look like."""
    images = copy_rows(source.parts, _row_shape(source.rows), folder / X_FILE)
    pixels = measure(images, split.test_rows)
    (low, high), warnings = pixel_range(pixels.low, pixels.high, options, source.range)
    constant = pixels.low == pixels.high
    if constant:
        warnings.append(f"All pixels have the same value, {pixels.low:g}: there is nothing to learn.")
    return Written(
        schema={
            "shape": images.shape[1:],
            "dtype": str(images.dtype),
            "image": ImageSchema(low=low, high=high, background=pixels.background),
        },
        profile={
            "range": [pixels.low, pixels.high],
            "mean": pixels.mean,
            "histogram": histogram(_some(images), pixels.low, pixels.high),
            "background": pixels.background,
            "missing": 0,
            "constant": constant,
        },
        digests=pixels.row_digests,
        warnings=warnings,
    )


def _some(images: np.ndarray) -> np.ndarray:
    """Return images evenly spread over all, as many as suffice to tell how bright their pixels are."""
    count = min(len(images), max(1, _SAMPLE_BYTES // images[:1].nbytes))
    some: np.ndarray = images[np.linspace(0, len(images) - 1, count).astype(np.int64)]
    return some


def _row_shape(part: Part) -> tuple[int, int, int]:
    x, name = part.x, part.x_name
    if x.dtype.kind not in "buif":
        raise BadData(f"{name} holds text; pixel values were expected.", None, name)
    if x.ndim not in (3, 4):
        hint = "If each row is a flattened image, reshape it, for example x.reshape(-1, 28, 28)."
        raise BadData(
            f"{name} has the shape {list(x.shape)}; images, [rows, height, width] or [rows, height, width,"
            " channels], were expected.",
            hint if x.ndim == 2 else None,
            name,
        )
    height, width, channels = (*x.shape[1:], 1)[:3]
    if channels not in _CHANNELS:
        raise BadData(
            f"{name} has {channels} channels, the last of its shape {list(x.shape)}; 1 (grey) or 3 (RGB)"
            " were expected.",
            _channel_hint(x.shape),
            name,
        )
    if max(height, width) > MAX_SIDE:
        raise BadData(f"{name} has images of {height}x{width}; at most {MAX_SIDE} a side.", None, name)
    return height, width, channels


def _channel_hint(shape: tuple[int, ...]) -> str | None:
    if shape[1] in _CHANNELS:
        return "Channels must come last: x.transpose(0, 2, 3, 1)."
    return "Leave the alpha channel out: x[..., :3]." if shape[3] == 4 else None
