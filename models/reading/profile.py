"""What a dataset looks like: counts, range, brightness, duplicates. One pass over the memory map."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.reading.images import chunks_of


@dataclass(frozen=True)
class Pixels:
    """Figures of all pixels; ``background`` is the mean of the border of the training rows."""

    low: float
    high: float
    mean: float
    background: float
    row_digests: np.ndarray


def measure(images: np.ndarray, test_rows: np.ndarray) -> Pixels:
    """Look once at every row of ``images``, ``[rows, height, width, channels]``."""
    trains = np.ones(len(images), bool)
    trains[test_rows] = False
    low, high, total, border_total = np.inf, -np.inf, 0.0, 0.0
    digests = np.empty(len(images), np.uint64)
    for start, chunk in chunks_of(images):
        stop = start + len(chunk)
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        total += float(chunk.sum(dtype=np.float64))
        border_total += float(border_means(chunk)[trains[start:stop]].sum())
        digests[start:stop] = [_digest(row) for row in chunk]
    return Pixels(low, high, total / images.size, border_total / max(1, int(trains.sum())), digests)


def border_means(images: np.ndarray) -> np.ndarray:
    """Return the mean of the outermost pixels of each image, ``float64[rows]``."""
    height, width = images.shape[1:3]
    on_border = np.ones((height, width), bool)
    on_border[1:-1, 1:-1] = False
    means: np.ndarray = images[:, on_border].mean(axis=(1, 2), dtype=np.float64)
    return means


def profile(
    pixels: Pixels, images: np.ndarray, classes: np.ndarray, labels: list[str], test_rows: np.ndarray
) -> dict[str, Any]:
    """Return the figures that are shown of a dataset; plain JSON values."""
    return {
        "rows": len(images),
        "shape": list(images.shape[1:]),
        "dtype": str(images.dtype),
        "classes": _counts(classes, labels),
        "test_classes": _counts(classes[test_rows], labels),
        "range": [pixels.low, pixels.high],
        "mean": pixels.mean,
        "background": pixels.background,
        "missing": 0,
        "constant": pixels.low == pixels.high,
        "duplicates": len(images) - len(np.unique(pixels.row_digests)),
    }


def _counts(classes: np.ndarray, labels: list[str]) -> dict[str, int]:
    counts = np.bincount(classes, minlength=len(labels))
    return {label: int(count) for label, count in zip(labels, counts, strict=True)}


def profile_warnings(
    pixels: Pixels, classes: np.ndarray, labels: list[str], test_rows: np.ndarray
) -> list[str]:
    """Return what a person should know before training on this."""
    warnings = []
    if pixels.low == pixels.high:
        warnings.append(f"All pixels have the same value, {pixels.low:g}: there is nothing to learn.")
    counts = np.bincount(classes, minlength=len(labels))
    if (counts == 0).any():
        warnings.append(f"{int((counts == 0).sum())} of {len(labels)} classes have no row.")
    leaked = np.isin(pixels.row_digests[test_rows], np.delete(pixels.row_digests, test_rows))
    if leaked.any():
        warnings.append(
            f"{int(leaked.sum())} test rows stand among the training rows as well: the report will flatter."
        )
    return warnings


def _digest(row: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest())
