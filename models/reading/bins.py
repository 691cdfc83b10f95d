"""The bins of histograms: equally wide, whatever values there are."""

import numpy as np

BINS = 20
# As wide as numbers can be told apart, with some room for rounding.
_LEAST = 2 * BINS


def bin_edges(low: float, high: float) -> np.ndarray:
    """Return the edges of the bins that hold all values from ``low`` to ``high``, ``float64[BINS + 1]``.

    They reach further where these are the same, or so close together that there is no number between them.
    """
    least = _LEAST * float(np.spacing(max(abs(low), abs(high))))
    if high - low < least:
        wider = max(least, 0.5) if low == high else least
        low, high = low - wider, high + wider
    return np.linspace(low, high, BINS + 1)
