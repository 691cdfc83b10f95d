"""How good a classifier is on rows that it has not been trained with: the report of a version."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

Predict = Callable[[np.ndarray], np.ndarray]
"""From ``float32[rows, *shape]`` to probabilities, ``float32[rows, classes]``."""

BATCH_ROWS = 64
WORST_ROWS = 24
# The loss of a probability of 0 would be infinite; Keras cuts it at the same place.
_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Evaluation:
    """The report, plain JSON values, and the probabilities it was made from, in the order of the rows."""

    report: dict[str, Any]
    probabilities: np.ndarray


def evaluate(
    predict: Predict, x: np.ndarray, y: np.ndarray, rows: np.ndarray, labels: list[str]
) -> Evaluation:
    """Evaluate on the given ``rows`` of a dataset; ``x`` may be a memory map and is read in batches.

    The report holds ``rows, accuracy, loss`` (nats), ``macro`` and ``weighted`` means, the figures of each
    class, ``confusion[true][predicted]`` in rows, and the ``worst`` rows: those of the highest loss.
    """
    probabilities = predict_rows(predict, x, rows)
    true = np.asarray(y[rows])
    predicted = probabilities.argmax(axis=1)
    losses = -np.log(np.maximum(probabilities[np.arange(len(rows)), true], _SMALLEST_PROBABILITY))
    report = {
        "rows": len(rows),
        "accuracy": float((predicted == true).mean()),
        "loss": float(losses.mean(dtype=np.float64)),
        "macro": _means(true, predicted, "macro"),
        "weighted": _means(true, predicted, "weighted"),
        "classes": _classes(true, predicted, labels),
        "confusion": confusion_matrix(true, predicted, labels=np.arange(len(labels))).tolist(),
        "worst": _worst(losses, true, probabilities, rows, labels),
    }
    return Evaluation(report, probabilities)


def predict_rows(predict: Predict, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the probabilities of the given rows, ``float32[len(rows), classes]``."""
    batches = np.split(rows, range(BATCH_ROWS, len(rows), BATCH_ROWS))
    return np.concatenate([predict(x[batch].astype(np.float32)) for batch in batches])


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
