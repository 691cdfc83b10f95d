"""The figure by which epochs are judged: which was the best, and whether to train another. Keras-free."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.specs.training import EarlyStopping, TrainingSpec


def best_of(
    best: dict[str, Any] | None, epoch: int, metrics: Mapping[str, float], training: TrainingSpec
) -> dict[str, Any] | None:
    """Return the best epoch, by its number and its figure: this one or the one before, None if unknown."""
    monitor = training.early_stopping.monitor if training.early_stopping else "val_loss"
    if monitor not in metrics:
        return best
    sign = _sign(monitor)
    if best is None or sign * metrics[monitor] < sign * best["value"]:
        return {"epoch": epoch, "monitor": monitor, "value": metrics[monitor]}
    return best


def is_stuck(epochs: Sequence[Mapping[str, Any]], stopping: EarlyStopping) -> bool:
    """Return whether the last ``patience`` epochs brought no improvement of at least ``min_delta``."""
    sign = _sign(stopping.monitor)
    values = [
        sign * epoch["metrics"][stopping.monitor] for epoch in epochs if stopping.monitor in epoch["metrics"]
    ]
    earlier, recent = values[: -stopping.patience], values[-stopping.patience :]
    return bool(earlier) and min(recent) > min(earlier) - max(stopping.min_delta, 1e-12)


def _sign(monitor: str) -> int:
    return -1 if monitor == "val_accuracy" else 1
