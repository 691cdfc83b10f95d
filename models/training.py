"""The train loop, one for every family: epochs of chunks, validation, the best weights.

Everything that changes is in one :class:`models.state.State`, which exists between two chunks only; the order
of rows is a function of seed and epoch. So the same order gives the same bits.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from models.augmentation import augmenter
from models.batches import batches_of, order_of
from models.chunks import Chunks, Feed, Scores
from models.compiling import uses_xla
from models.lesson import Lesson, TrainingData
from models.mixing import mixer
from models.normalization import fused_normalization
from models.optimizers import rate_of, update_of
from models.plateau import Plateau
from models.precision import mixed_precision, uses_mixed_precision
from models.registry import learning_of
from models.schema import InputSchema
from models.specs.network import NetworkSpec
from models.specs.optimizers import PlateauSchedule
from models.specs.training import EarlyStopping, TrainingSpec
from models.state import State, values_of
from models.step import Sums
from models.suitability import weighs_rows
from models.threads import threads_for

PROGRESS_SECONDS = 0.5

Report = Callable[[str, dict[str, Any]], None]
StopReason = Literal["completed", "early_stopping", "max_seconds", "stopped"]


class Watch(NamedTuple):
    """After these epochs ``look(epoch)`` is called, while the network holds the weights of that epoch."""

    epochs: frozenset[int]
    look: Callable[[int], None]


class Diverged(Exception):
    """The loss became NaN or infinite in an epoch, counted from 1."""

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__(f"the loss is not a number in epoch {epoch}, by step {step}")
        self.epoch = epoch
        self.step = step


@dataclass
class TrainingOutcome:
    """The figures of each epoch, the best one, and why training ended."""

    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    stop_reason: StopReason = "completed"


def configure(threads: int, spec: NetworkSpec, training: TrainingSpec, source: InputSchema) -> None:
    """Fix what decides bits, before any operation has run: threads and deterministic operations."""
    within, across = threads_for(spec, source, training.batch_size, threads)
    tf.config.threading.set_intra_op_parallelism_threads(within)
    tf.config.threading.set_inter_op_parallelism_threads(across)
    if training.determinism == "strict":
        tf.config.experimental.enable_op_determinism()


def train(
    network: keras.Model,
    spec: NetworkSpec,
    training: TrainingSpec,
    data: TrainingData,
    *,
    report: Report,
    should_stop: Callable[[], bool],
    watch: Watch | None = None,
) -> TrainingOutcome:
    """Train a network and leave it with its best weights: those of the lowest validation loss, or the last.

    Calls ``report("epoch" | "progress", figures)``. Raises :class:`Diverged`.
    """
    precision = mixed_precision(network) if uses_mixed_precision(spec, training) else nullcontext()
    with precision, fused_normalization(network):
        return _Training(
            network, spec, training, data, report=report, should_stop=should_stop, watch=watch
        ).run()


class _Training:
    def __init__(
        self,
        network: keras.Model,
        spec: NetworkSpec,
        training: TrainingSpec,
        data: TrainingData,
        *,
        report: Report,
        should_stop: Callable[[], bool],
        watch: Watch | None,
    ) -> None:
        self._network, self._training, self._data = network, training, data
        self._report, self._should_stop, self._watch = report, should_stop, watch
        self._steps_per_epoch = math.ceil(len(data.train_rows) / training.batch_size)
        self._rate = rate_of(training.optimizer, self._steps_per_epoch, training.epochs)
        augment = augmenter(training.augmentation, data.source, training.seed)
        mix = mixer(training.augmentation, training.seed)
        update = update_of(training.optimizer, self._rate, training.clip_norm, training.clip_value)
        self._learning = learning_of(spec, Lesson(network, training, data, update, augment, mix))
        self._state = self._best_state = self._first_state(augment)
        weights = data.weights if weighs_rows(spec, data.source) else None
        feed, rows = Feed(data.x, data.y, weights=weights), len(data.train_rows)
        self._chunks = Chunks(
            self._learning, feed, self._state, xla=uses_xla(spec, training, data.source, rows)
        )
        self._scores = Scores(self._learning, feed, self._state)
        schedule = training.optimizer.schedule
        self._plateau = Plateau(schedule) if isinstance(schedule, PlateauSchedule) else None
        self._outcome = TrainingOutcome()
        self._step = 0
        self._started = self._reported = time.monotonic()

    def run(self) -> TrainingOutcome:
        for epoch in range(1, self._training.epochs + 1):
            started = time.monotonic()
            sums = self._run_epoch(epoch)
            if sums is None:
                if self._outcome.best is None:
                    self._best_state = self._state
                break
            figures = self._figures(epoch, sums, time.monotonic() - started)
            self._outcome.epochs.append(figures)
            self._report("epoch", figures)
            if self._watch and epoch in self._watch.epochs:
                self._put(self._state)
                self._watch.look(epoch)
            self._keep_if_best(epoch, figures["metrics"])
            self._lower_rate(figures["metrics"])
            if self._is_over(epoch):
                break
        self._put(self._best_state)
        return self._outcome

    def _first_state(self, augment: keras.Model | None) -> State:
        weights = self._learning.packing.pack(values_of(self._network.trainable_variables))
        return State(
            tf.constant(0, tf.int64),
            weights,
            values_of(self._network.non_trainable_variables),
            [[tf.zeros_like(weight) for weight in weights] for _ in range(self._learning.slots)],
            values_of(augment.non_trainable_variables) if augment is not None else [],
            tf.constant(1.0),
        )

    def _run_epoch(self, epoch: int) -> Sums | None:
        """Take the steps of one epoch; None if it was cut short."""
        order = order_of(self._data.train_rows, self._training.seed, epoch - 1)
        total = Sums(np.zeros(len(self._learning.names)), 0.0)
        for batches in batches_of(order, self._training.batch_size):
            place = 0
            while place < len(batches):
                if self._must_stop():
                    return None
                part = batches[place : place + self._chunks.steps(len(batches) - place)]
                self._state, sums = self._chunks.run(self._state, part)
                place += len(part)
                self._step += len(part)
                total = total.plus(sums)
                if not np.isfinite(total.totals).all():
                    raise Diverged(epoch, self._step)
                self._report_progress(epoch)
        return total

    def _must_stop(self) -> bool:
        """Return whether training ends here, and note why."""
        seconds = self._training.max_seconds
        if self._should_stop():
            self._outcome.stop_reason = "stopped"
        elif seconds is not None and time.monotonic() - self._started >= seconds:
            self._outcome.stop_reason = "max_seconds"
        return self._outcome.stop_reason != "completed"

    def _report_progress(self, epoch: int) -> None:
        if time.monotonic() - self._reported < PROGRESS_SECONDS:
            return
        self._reported = time.monotonic()
        steps = self._step - (epoch - 1) * self._steps_per_epoch
        self._report(
            "progress",
            {
                "epoch": epoch,
                "epochs": self._training.epochs,
                "step": self._step,
                "share": round(steps / self._steps_per_epoch, 4),
                "eta": self._eta(),
            },
        )

    def _eta(self) -> float:
        """Estimate the seconds until the last epoch ends."""
        done = self._step / (self._steps_per_epoch * self._training.epochs)
        return round((time.monotonic() - self._started) * (1 - done) / max(done, 1e-9), 2)

    def _figures(self, epoch: int, sums: Sums, seconds: float) -> dict[str, Any]:
        metrics = self._means("", sums)
        if len(self._data.validation_rows):
            scored = self._scores.run(self._state, self._data.validation_rows)
            if not np.isfinite(scored.totals).all():
                raise Diverged(epoch, self._step)
            metrics |= self._means("val_", scored)
        metrics["learning_rate"] = self._rate(self._step - 1) * float(self._state.factor)
        return {
            "epoch": epoch,
            "epochs": self._training.epochs,
            "step": self._step,
            "metrics": {key: float(value) for key, value in metrics.items()},
            "seconds": round(seconds, 4),
            "eta": self._eta(),
        }

    def _means(self, prefix: str, sums: Sums) -> dict[str, float]:
        means = sums.totals / max(sums.weight, 1.0)
        return {prefix + name: float(mean) for name, mean in zip(self._learning.names, means, strict=True)}

    def _keep_if_best(self, epoch: int, metrics: dict[str, float]) -> None:
        monitor = self._monitor
        if monitor not in metrics:
            self._best_state = self._state
            return
        sign = -1 if monitor == "val_accuracy" else 1
        best = self._outcome.best
        if best is None or sign * metrics[monitor] < sign * best["value"]:
            self._best_state = self._state
            self._outcome.best = {"epoch": epoch, "monitor": monitor, "value": metrics[monitor]}

    def _lower_rate(self, metrics: dict[str, float]) -> None:
        # Of few rows there may be none to validate.
        if self._plateau and self._plateau.monitor in metrics:
            self._state = self._state._replace(factor=tf.constant(self._plateau.watch(metrics)))

    @property
    def _monitor(self) -> str:
        stopping = self._training.early_stopping
        return stopping.monitor if stopping else "val_loss"

    def _is_over(self, epoch: int) -> bool:
        stopping = self._training.early_stopping
        if stopping and epoch < self._training.epochs and self._is_stuck(stopping):
            self._outcome.stop_reason = "early_stopping"
            return True
        return False

    def _is_stuck(self, stopping: EarlyStopping) -> bool:
        """Return whether the last ``patience`` epochs brought no improvement of at least ``min_delta``."""
        sign = -1 if stopping.monitor == "val_accuracy" else 1
        values = [
            sign * epoch["metrics"][stopping.monitor]
            for epoch in self._outcome.epochs
            if stopping.monitor in epoch["metrics"]
        ]
        earlier, recent = values[: -stopping.patience], values[-stopping.patience :]
        return bool(earlier) and min(recent) > min(earlier) - max(stopping.min_delta, 1e-12)

    def _put(self, state: State) -> None:
        """Let the network hold these weights; training goes on from the state, whatever the network holds."""
        weights = self._learning.packing.unpack(state.weights)
        for variable, value in zip(self._network.trainable_variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self._network.non_trainable_variables, state.others, strict=True):
            variable.assign(value)
