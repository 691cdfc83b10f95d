"""Latents to make samples from: drawn from the standard normal distribution, or on the way between two."""

import numpy as np
import numpy.typing as npt

from app.serving.role import Array

Latents = npt.NDArray[np.float32]


def drawn(count: int, size: int, seed: int) -> Latents:
    """Return ``float32[count, size]``; the same for the same seed, and its beginning for a smaller count."""
    return np.random.default_rng(seed).standard_normal((count, size), np.float32)


def between(first: Array, last: Array, count: int) -> Latents:
    """Return ``float32[count, size]``, evenly spread on the straight line from ``first`` to ``last``."""
    share = np.linspace(0, 1, count)[:, None]
    return ((1 - share) * first + share * last).astype(np.float32)
