"""How well an autoencoder that has learnt some classes only finds rows of the others, by their errors."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from models.reports.report import Examined


class Outliers(NamedTuple):
    """Which rows are normal, ``bool[rows]``, and what the report, lists and the card tell of the others."""

    is_normal: np.ndarray
    content: dict[str, Any]
    metrics: dict[str, float]
    card: list[str]


def outliers(examined: Examined, rows: np.ndarray, errors: np.ndarray, threshold: float) -> Outliers:
    """Return how well ``errors`` of some ``rows`` tell those of normal labels from the others.

    The area under the receiver operating characteristic (AUROC) is the chance that a row of the others has a
    larger error than a normal one; it is None where there are none of either.
    """
    labels, normal = examined.schema.labels, examined.training.normal_labels
    assert normal is not None
    classes = np.asarray(examined.rows.y[rows])
    is_normal = np.isin(classes, [place for place, label in enumerate(labels) if label in normal])
    auroc = _auroc(errors, is_normal)
    content: dict[str, Any] = {
        "normal_labels": list(normal),
        "auroc": auroc,
        "found": _share(errors[~is_normal] > threshold),
        "false_alarms": _share(errors[is_normal] > threshold),
        "labels": [
            {
                "label": labels[place],
                "is_normal": labels[place] in normal,
                "rows": int((classes == place).sum()),
                "error": float(errors[classes == place].mean()),
                "beyond": _share(errors[classes == place] > threshold),
                "auroc": None
                if labels[place] in normal
                else _auroc(
                    errors[is_normal | (classes == place)], is_normal[is_normal | (classes == place)]
                ),
            }
            for place in np.unique(classes)
        ],
    }
    if auroc is None:
        return Outliers(is_normal, content, {}, [])
    lines = [
        "",
        f"It has learnt {len(normal)} of {len(labels)} labels. By its error a row of the others is told from"
        f" a normal one with an AUROC of {auroc:.3f}; beyond the threshold are {content['found']:.1%} of the"
        f" others, and {content['false_alarms']:.1%} of the normal rows.",
    ]
    return Outliers(is_normal, content, {"auroc": auroc}, lines)


def _auroc(errors: np.ndarray, is_normal: np.ndarray) -> float | None:
    if is_normal.all() or not is_normal.any():
        return None
    return float(roc_auc_score(~is_normal, errors))


def _share(chosen: np.ndarray) -> float | None:
    return float(chosen.mean()) if len(chosen) else None
