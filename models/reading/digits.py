"""The built-in dataset ``digits``: 1,797 real handwritten digits of 8x8 pixels, values 0 to 16."""

import numpy as np

from models.reading.source import Part, Source


def read_digits() -> Source:
    """Return the digits as ``uint8[1797, 8, 8]``, with the range 0 to 16."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - heavy, and only this reader needs it

    digits = load_digits()
    rows = Part(digits.images.astype(np.uint8), digits.target, "images", "target")
    return Source(rows, range=(0.0, 16.0), labels=[str(name) for name in digits.target_names])
