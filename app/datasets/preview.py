"""Previews: a few rows of a version, as numbers or as a picture, read through a memory map."""

import io
import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from app.datasets.schemas import PreviewRead, PreviewRow
from app.errors import Conflict
from app.storage import Store
from app.tables import DatasetVersion
from models.schema import TEST_FILE, X_FILE, Y_FILE, DatasetSchema

# A page of numbers has at most this many, about 1 MB of JSON.
MAX_VALUES = 250_000
# Sides of a thumbnail, in pixels.
MIN_SIDE, MAX_SIDE = 48, 128
GAP = 4


class _Rows(NamedTuple):
    """Consecutive rows: their numbers, values (mapped, not read), class indices, which are test rows."""

    numbers: np.ndarray
    x: np.ndarray
    y: np.ndarray
    is_test: np.ndarray


def rows(version: DatasetVersion, store: Store, offset: int, limit: int) -> PreviewRead:
    """Return up to ``limit`` rows from ``offset`` on; fewer, but one at least, where rows are large."""
    schema = _schema(version)
    most = max(1, MAX_VALUES // math.prod(schema.shape))
    chosen = _read(version, schema, store, slice(offset, offset + min(limit, most)))
    return PreviewRead(
        rows=[
            PreviewRow(
                row=number, label=schema.labels[y], split="test" if is_test else "train", values=values
            )
            for number, values, y, is_test in zip(*(part.tolist() for part in chosen), strict=True)
        ],
        total=schema.rows,
        shape=list(schema.shape),
    )


def picture(version: DatasetVersion, store: Store, offset: int, limit: int) -> bytes:
    """Return a PNG: a grid of up to ``limit`` rows from ``offset`` on, about as wide as high."""
    schema = _schema(version)
    chosen = _read(version, schema, store, slice(offset, offset + limit))
    thumbnails = [_thumbnail(row, schema) for row in chosen.x]
    columns = max(1, math.ceil(len(thumbnails) ** 0.5))
    lines = math.ceil(len(thumbnails) / columns)
    width, height = thumbnails[0].size if thumbnails else (MIN_SIDE, MIN_SIDE)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, max(1, lines) * (height + GAP) + GAP), "white")
    for index, thumbnail in enumerate(thumbnails):
        line, column = divmod(index, columns)
        sheet.paste(thumbnail, (GAP + column * (width + GAP), GAP + line * (height + GAP)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _schema(version: DatasetVersion) -> DatasetSchema:
    if version.state != "ready":
        raise Conflict(
            f"The version is {version.state}; only one that is ready can be previewed.",
            extra={"current_state": version.state},
        )
    return DatasetSchema.model_validate(version.schema)


def _read(version: DatasetVersion, schema: DatasetSchema, store: Store, part: slice) -> _Rows:
    x, y, test = (
        np.load(store.path(version.files[name]["sha256"]), mmap_mode="r", allow_pickle=False)
        for name in (X_FILE, Y_FILE, TEST_FILE)
    )
    numbers = np.arange(schema.rows)[part]
    # The numbers of the test rows are sorted, so only those near the part are read.
    is_test = np.searchsorted(test, numbers, "left") != np.searchsorted(test, numbers, "right")
    return _Rows(numbers, x[part], y[part], is_test)


def _thumbnail(row: np.ndarray, schema: DatasetSchema) -> Image.Image:
    low, high = schema.image.low, schema.image.high
    scaled = np.clip((row.astype(np.float32) - low) / (high - low) * 255, 0, 255).round().astype(np.uint8)
    image = Image.fromarray(scaled[..., 0] if scaled.shape[-1] == 1 else scaled)
    if max(image.size) > MAX_SIDE:
        image.thumbnail((MAX_SIDE, MAX_SIDE))
    else:
        # Whole multiples and no smoothing: the pixels of a small image are to be seen as they are.
        factor = math.ceil(MIN_SIDE / max(image.size))
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return image.convert("RGB")
