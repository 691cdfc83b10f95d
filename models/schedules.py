"""Learning-rate schedules: the rate as a pure function of the step, computed inside the traced step."""

import math
from dataclasses import dataclass
from typing import Any

from keras import ops

from models.specs.optimizers import (
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    PlateauSchedule,
    Schedule,
    StepSchedule,
)


@dataclass(frozen=True)
class Rate:
    """The learning rate as a function of the step, which counts from 0."""

    rate: float
    schedule: Schedule
    steps_per_epoch: int
    epochs: int

    def __call__(self, step: Any) -> Any:
        """Return the rate, a float32 scalar."""
        epoch = ops.cast(step, "float32") / self.steps_per_epoch
        warmup = self.schedule.warmup_epochs
        rate = self.rate * self._factor(epoch, warmup)
        if warmup:
            # The first step of a warm-up already moves the weights a little.
            rate = rate * ops.minimum(1.0, (epoch + 1 / self.steps_per_epoch) / warmup)
        return rate

    def _factor(self, epoch: Any, warmup: float) -> Any:
        match self.schedule:
            # What lowers the rate on a plateau comes from outside the step: models.plateau.
            case ConstantSchedule() | PlateauSchedule():
                return ops.ones_like(epoch)
            case StepSchedule(factor=factor, every_epochs=every):
                return ops.power(factor, ops.floor(epoch / every))
            case ExponentialSchedule(factor=factor):
                return ops.power(factor, epoch)
            case CosineSchedule(final_factor=final):
                # Loshchilov and Hutter, 2017 (SGDR), without restarts; the last step has the final rate.
                last = self.epochs - 1 / self.steps_per_epoch
                share = ops.clip((epoch - warmup) / max(last - warmup, 1e-6), 0.0, 1.0)
                return final + (1 - final) * 0.5 * (1 + ops.cos(share * math.pi))
