"""What rows look like: range, brightness, duplicates. One pass over the memory map."""

import hashlib
from dataclasses import dataclass

import numpy as np

from models.reading.rows import chunks_of


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
        digests[start:stop] = row_digests(chunk)
    return Pixels(low, high, total / images.size, border_total / max(1, int(trains.sum())), digests)


def border_means(images: np.ndarray) -> np.ndarray:
    """Return the mean of the outermost pixels of each image, ``float64[rows]``."""
    height, width = images.shape[1:3]
    on_border = np.ones((height, width), bool)
    on_border[1:-1, 1:-1] = False
    means: np.ndarray = images[:, on_border].mean(axis=(1, 2), dtype=np.float64)
    return means


def row_digests(rows: np.ndarray) -> np.ndarray:
    """Return a hash of each row, ``uint64[rows]``; equal rows have equal ones."""
    found = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
    return np.array([int.from_bytes(digest) for digest in found], np.uint64)
