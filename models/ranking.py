"""How well the probability of a class tells its rows from the rest, wherever the line is drawn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

# Of more rows than make so many probabilities an even share is looked at.
MOST_PROBABILITIES = 4_000_000
# Of more classes those with the most rows are looked at.
MOST_CLASSES = 200
_PLACES = np.linspace(0.0, 1.0, 201)


@dataclass(frozen=True)
class Ranking:
    """Curves of each class against the rest, at even places 0..1, ``float64[classes, 201]``.

    ``found`` is the share of a class' rows that is found (recall) by the share of the other rows that is
    taken for it; ``precision`` is by the share that is found. ``areas`` are those below either curve, exact:
    ``float64[classes, 2]``. Classes without rows are left out; of two classes only the second is looked at.
    """

    labels: list[str]
    found: np.ndarray
    precision: np.ndarray
    areas: np.ndarray

    @property
    def content(self) -> dict[str, Any]:
        """The areas as the report has them; ``macro`` is the mean of all classes."""
        if not self.labels:
            return {"macro": None, "classes": []}
        roc, precision = self.areas.mean(axis=0)
        return {
            "macro": {"auroc": float(roc), "average_precision": float(precision)},
            "classes": [
                {"label": label, "auroc": float(auroc), "average_precision": float(average)}
                for label, (auroc, average) in zip(self.labels, self.areas, strict=True)
            ],
        }


def ranking_of(probabilities: np.ndarray, true: np.ndarray, labels: list[str]) -> Ranking:
    """Return how ``probabilities``, ``float32[rows, classes]``, rank the rows of each true class."""
    step = -(-probabilities.size // MOST_PROBABILITIES)
    probabilities, true = probabilities[::step], true[::step]
    counts = np.bincount(true, minlength=len(labels))
    if len(labels) == 2:
        counts[0] = 0
    # Without rows of a class, or without any others, there is nothing to be told apart.
    present = np.flatnonzero((counts > 0) & (counts < len(true)))
    present = np.sort(present[np.argsort(-counts[present], kind="stable")][:MOST_CLASSES])
    curves = [_curves(probabilities[:, number], true == number) for number in present]
    return Ranking(
        [labels[number] for number in present],
        np.array([found for found, _, _ in curves]).reshape(-1, len(_PLACES)),
        np.array([precision for _, precision, _ in curves]).reshape(-1, len(_PLACES)),
        np.array([areas for _, _, areas in curves]).reshape(-1, 2),
    )


def _curves(scores: np.ndarray, is_class: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    taken, found, _ = roc_curve(is_class, scores)
    precision, recall, _ = precision_recall_curve(is_class, scores)
    auroc = float(np.trapezoid(found, taken))
    average = float(-np.sum(np.diff(recall) * precision[:-1]))
    # Recall falls, and interpolation wants it to rise.
    return (
        np.interp(_PLACES, taken, found),
        np.interp(_PLACES, recall[::-1], precision[::-1]),
        (auroc, average),
    )
