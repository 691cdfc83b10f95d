"""Whether a classifier that is sure to 80 % is right in 80 % of such cases (Guo et al., 2017)."""

from typing import Any

import numpy as np

BINS = 10


def calibration_of(probabilities: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    """Return rows, mean confidence and accuracy by confidence, and the expected calibration error.

    Confidence is the probability of the likeliest class, in ``probabilities``, ``float32[rows, classes]``.
    The error is the mean difference of confidence and accuracy of the bins, weighted by rows; empty bins
    have None.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == true
    places = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    sums = [np.bincount(places, each, minlength=BINS) for each in (confidence, right.astype(np.float64))]
    bins = [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "rows": int(count),
            "confidence": float(sums[0][number] / count) if count else None,
            "accuracy": float(sums[1][number] / count) if count else None,
        }
        for number, count in enumerate(counts)
    ]
    return {"expected_error": float(np.abs(sums[0] - sums[1]).sum() / max(len(true), 1)), "bins": bins}
