"""Plateaus: the learning rate falls when a validation figure has stopped improving. Keras-free."""

import math
from collections.abc import Mapping
from typing import Any

from models.specs.optimizers import PlateauSchedule


class Plateau:
    """Watches a figure, epoch by epoch; after each fall of the rate the waiting begins anew."""

    def __init__(self, spec: PlateauSchedule) -> None:
        self._spec, self.monitor = spec, spec.monitor
        self._sign = -1 if spec.monitor == "val_accuracy" else 1
        self._best = math.inf
        self._waited = 0
        self.factor = 1.0

    def watch(self, metrics: dict[str, float]) -> float:
        """Return what the rate is multiplied by from now on, after an epoch with these figures."""
        value = self._sign * metrics[self.monitor]
        if value < self._best - self._spec.min_delta:
            self._best, self._waited = value, 0
        else:
            self._waited += 1
        if self._waited >= self._spec.patience:
            self.factor = max(self.factor * self._spec.factor, self._spec.least_factor)
            self._waited = 0
        return self.factor

    def standing(self) -> dict[str, float]:
        """Return all that it knows of the epochs so far."""
        return {"best": self._best, "waited": self._waited, "factor": self.factor}

    def resume(self, standing: Mapping[str, Any]) -> None:
        """Go on as one would that has seen those epochs."""
        self._best, self._waited = standing["best"], standing["waited"]
        self.factor = standing["factor"]
