"""What is told of a training: the figures of each epoch, and how far it has come."""

from typing import Any

from models.course import Course
from models.schedules import Rate
from models.step import Sums


class Figures:
    """Makes the figures of a training, given the names of what is summed and its learning rate."""

    def __init__(self, names: tuple[str, ...], rate: Rate) -> None:
        self._names, self._rate = names, rate

    def progress(self, course: Course) -> dict[str, Any]:
        """Return how far the running epoch is, and when the last one will end."""
        steps = course.step - (course.epoch - 1) * self._rate.steps_per_epoch
        return {
            "epoch": course.epoch,
            "epochs": self._rate.epochs,
            "step": course.step,
            "share": round(steps / self._rate.steps_per_epoch, 4),
            "eta": self._eta(course),
        }

    def epoch(self, course: Course, scored: Sums | None, seconds: float) -> dict[str, Any]:
        """Return the figures of an epoch whose steps took ``seconds``, with what validation ``scored``."""
        metrics = self._means("", course.sums)
        if scored is not None:
            metrics |= self._means("val_", scored)
        metrics["learning_rate"] = float(self._rate(course.step - 1) * float(course.state.factor))
        return {
            "epoch": course.epoch,
            "epochs": self._rate.epochs,
            "step": course.step,
            "metrics": metrics,
            "seconds": round(seconds, 4),
            "eta": self._eta(course),
        }

    def _eta(self, course: Course) -> float:
        """Estimate the seconds until the last epoch ends."""
        done = course.step / (self._rate.steps_per_epoch * self._rate.epochs)
        return round(course.seconds * (1 - done) / max(done, 1e-9), 2)

    def _means(self, prefix: str, sums: Sums) -> dict[str, float]:
        means = sums.totals / max(sums.weight, 1.0)
        return {prefix + name: float(mean) for name, mean in zip(self._names, means, strict=True)}
