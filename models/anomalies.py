"""Which rows are normal, and from which error on a row is an anomaly. Keras-free."""

from collections.abc import Sequence

import numpy as np

NORMAL_SHARE = 0.99


def normal_rows(
    y: np.ndarray, rows: np.ndarray, labels: Sequence[str], normal_labels: Sequence[str] | None
) -> np.ndarray:
    """Return those of ``rows``, int64 ``[n]``, whose class is normal; all of them where none is named.

    ``y`` holds the class of every row of the dataset, ``labels`` the name of each class.
    """
    if normal_labels is None:
        return rows
    classes = [place for place, label in enumerate(labels) if label in normal_labels]
    chosen: np.ndarray = rows[np.isin(y[rows], classes)]
    return chosen


def threshold_of(errors: np.ndarray, quantile: float = NORMAL_SHARE) -> float:
    """Return the error that this share of the errors of normal validation rows, ``[n]``, does not exceed."""
    return float(np.quantile(errors, quantile))
