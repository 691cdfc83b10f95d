"""How good a classifier is on rows that it has not been trained with: the report of a version."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

WORST_ROWS = 24
# Of more classes there is no table of each against each other: it grows with their square.
MOST_CONFUSED = 500
# The loss of a probability of 0 would be infinite; Keras cuts it at the same place.
_SMALLEST_PROBABILITY = 1e-7


def evaluate(
    probabilities: np.ndarray, true: np.ndarray, rows: np.ndarray, labels: list[str]
) -> dict[str, Any]:
    """Return the report, plain JSON values, on what a classifier answered to the given ``rows``.

    ``probabilities`` is ``float32[n, classes]`` and ``true`` holds classes, ``int64[n]``, in the order of
    ``rows``. The report holds ``rows, accuracy, loss`` (nats), ``macro`` and ``weighted`` means, the figures
    of each class, ``confusion[true][predicted]`` in rows (None of very many classes), and the ``worst`` rows:
    those of the highest loss.
    """
    predicted = probabilities.argmax(axis=1)
    losses = -np.log(np.maximum(probabilities[np.arange(len(rows)), true], _SMALLEST_PROBABILITY))
    return {
        "rows": len(rows),
        "accuracy": float((predicted == true).mean()),
        "loss": float(losses.mean(dtype=np.float64)),
        "macro": _means(true, predicted, "macro"),
        "weighted": _means(true, predicted, "weighted"),
        "classes": _classes(true, predicted, labels),
        "confusion": _confusion(true, predicted, len(labels)),
        "worst": _worst(losses, true, probabilities, rows, labels),
    }


def _confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> list[list[int]] | None:
    if classes > MOST_CONFUSED:
        return None
    counts: list[list[int]] = confusion_matrix(true, predicted, labels=np.arange(classes)).tolist()
    return counts


def _means(true: np.ndarray, predicted: np.ndarray, average: str) -> dict[str, float]:
    precision, recall, f1, _ = precision_recall_fscore_support(
        true, predicted, average=average, zero_division=0
    )
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


def _classes(true: np.ndarray, predicted: np.ndarray, labels: list[str]) -> list[dict[str, Any]]:
    figures = precision_recall_fscore_support(
        true, predicted, labels=np.arange(len(labels)), average=None, zero_division=0
    )
    return [
        {
            "label": label,
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for label, precision, recall, f1, support in zip(labels, *figures, strict=True)
    ]


def _worst(
    losses: np.ndarray, true: np.ndarray, probabilities: np.ndarray, rows: np.ndarray, labels: list[str]
) -> list[dict[str, Any]]:
    order = np.argsort(-losses, kind="stable")[:WORST_ROWS]
    predicted = probabilities.argmax(axis=1)
    return [
        {
            "row": int(rows[place]),
            "label": labels[true[place]],
            "predicted": labels[predicted[place]],
            "probability": float(probabilities[place, predicted[place]]),
            "label_probability": float(probabilities[place, true[place]]),
            "loss": float(losses[place]),
        }
        for place in order
    ]
