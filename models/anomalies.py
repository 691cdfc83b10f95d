"""Which rows are normal, and from which error on a row is an anomaly. Keras-free."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.rows import Rows

NORMAL_SHARE = 0.99


def normal_only(rows: Rows, labels: Sequence[str], normal_labels: Sequence[str] | None) -> Rows:
    """Return rows of which only those of normal classes train and validate; all of them where none is named.

    ``labels`` holds the name of each class, in the order of the targets. Test rows stay as they are.
    """
    if normal_labels is None:
        return rows
    is_normal = np.isin(rows.y, [place for place, label in enumerate(labels) if label in normal_labels])
    return replace(
        rows,
        training=rows.training[is_normal[rows.training]],
        validation=rows.validation[is_normal[rows.validation]],
    )


def threshold_of(errors: np.ndarray, quantile: float = NORMAL_SHARE) -> float:
    """Return the error that this share of the errors of normal validation rows, ``[n]``, does not exceed."""
    return float(np.quantile(errors, quantile))
