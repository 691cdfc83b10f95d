"""The train loop, one for every family: epochs of chunks, validation, the best weights, checkpoints.

Everything that changes is in one :class:`models.course.Course`, which is looked at between two chunks only;
the order of rows is a function of seed and epoch. So the same order gives the same bits, and a training that
goes on from a checkpoint those of one that was never interrupted.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from models.augmentation import augmenter
from models.batches import batches_of, order_of
from models.chunks import Chunks, Feed, Scores
from models.compiling import uses_xla
from models.course import Course, StopReason, Strange
from models.early_stopping import best_of, is_stuck
from models.figures import Figures
from models.gangs import LOST, Alone
from models.keeper import Keeper, Report, place_of
from models.lesson import Lesson, TrainingData
from models.mixing import mixer
from models.optimizers import rate_of, update_of
from models.plateau import Plateau
from models.registry import learning_of
from models.replicas import mirrored, together
from models.specs.network import NetworkSpec
from models.specs.optimizers import PlateauSchedule
from models.specs.training import TrainingSpec
from models.state import State, values_of
from models.step import Sums
from models.suitability import weighs_rows

PROGRESS_SECONDS = 0.5


ALONE = Alone()


class Watch(NamedTuple):
    """After these epochs ``look(epoch)`` is called, while the network holds the weights of that epoch.

    What it made of them is in ``made``, by epoch.
    """

    epochs: frozenset[int]
    look: Callable[[int], None]
    made: dict[int, np.ndarray | str]


class Company(NamedTuple):
    """Who is there while a network trains.

    ``report`` is told of it, ``should_finish`` says when to end with what there is, ``should_leave`` when to
    go on later; ``watch`` looks at the network, ``keeper`` keeps checkpoints; ``gang`` trains it too.
    """

    report: Report
    should_finish: Callable[[], bool]
    should_leave: Callable[[], bool]
    watch: Watch | None
    keeper: Keeper | None
    gang: Alone = ALONE


class Diverged(Exception):
    """The loss became NaN or infinite in an epoch, counted from 1."""

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__(f"the loss is not a number in epoch {epoch}, by step {step}")
        self.epoch = epoch
        self.step = step


class Left(Exception):
    """Training was left, as was asked, to go on from its last checkpoint."""


@dataclass
class TrainingOutcome:
    """The figures of each epoch, the best one, and why training ended."""

    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    stop_reason: StopReason = "completed"


class Loop:
    """Trains a network, on its own or from a checkpoint on."""

    def __init__(
        self,
        network: keras.Model,
        spec: NetworkSpec,
        training: TrainingSpec,
        data: TrainingData,
        company: Company,
    ) -> None:
        self._network, self._training, self._data, self._company = network, training, data, company
        steps_per_epoch = math.ceil(len(data.train_rows) / training.batch_size)
        rate = rate_of(training.optimizer, steps_per_epoch, training.epochs)
        augment = augmenter(training.augmentation, data.source, training.seed)
        mix = mixer(training.augmentation, training.seed)
        update = update_of(training.optimizer, rate, training.clip_norm, training.clip_value)
        learning = learning_of(spec, Lesson(network, training, data, update, augment, mix))
        replicas = company.gang.replicas or (mirrored(training.devices) if training.devices > 1 else None)
        self._learning = together(learning, replicas) if replicas else learning
        self._figures = Figures(self._learning.names, rate)
        xla = uses_xla(spec, training, data.source, len(data.train_rows))
        self._course = self._first_course(augment, xla)
        self._resume()
        if company.gang is not ALONE:
            self._course.resume(company.gang.shared(self._course.checkpoint()))
        weights = data.weights if weighs_rows(spec, data.source) else None
        feed, state = Feed(data.x, data.y, weights=weights), self._course.state
        self._chunks = Chunks(self._learning, feed, state, xla=self._course.chosen["xla"])
        self._scores = Scores(self._learning, feed, state)
        self._ticked = self._reported = time.monotonic()

    def run(self) -> TrainingOutcome:
        """Train until it is over, and let the network hold its best weights."""
        course = self._course
        while course.stop_reason is None:
            try:
                is_whole = self._take_steps()
                if is_whole:
                    self._end_epoch()
            except LOST:
                # The others are gone; the state is what it was before this chunk.
                self._keep()
                raise
            if not is_whole and course.best is None:
                course.best_state = course.state
        self._keep()
        self._put(course.best_state)
        return TrainingOutcome(course.epochs, course.best, course.stop_reason)

    def _first_course(self, augment: keras.Model | None, xla: bool) -> Course:
        weights = self._learning.packing.pack(values_of(self._network.trainable_variables))
        state = State(
            tf.constant(0, tf.int64),
            weights,
            values_of(self._network.non_trainable_variables),
            [[tf.zeros_like(weight) for weight in weights] for _ in range(self._learning.slots)],
            values_of(augment.non_trainable_variables) if augment is not None else [],
            tf.constant(1.0),
        )
        schedule = self._training.optimizer.schedule
        watch = self._company.watch
        return Course(
            state,
            state,
            Sums(np.zeros(len(self._learning.names)), 0.0),
            {"xla": xla, "device": "GPU" if tf.config.list_physical_devices("GPU") else "CPU"},
            plateau=Plateau(schedule) if isinstance(schedule, PlateauSchedule) else None,
            made=watch.made if watch else {},
        )

    def _resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        course, report, keeper = self._course, self._company.report, self._company.keeper
        if keeper is None:
            return
        if keeper.resume:
            found = keeper.newest()
            try:
                course.resume(found)
            except Strange:
                found = None
                message = "Its checkpoint does not fit this network: training begins anew."
                report("log", {"level": "warning", "message": message})
            report("resumed", place_of(found))
            # Not all that was told of them need have been heard.
            for figures in course.epochs:
                report("epoch", figures)
        keeper.begin(course.size)

    def _take_steps(self) -> bool:
        """Take the steps of the running epoch that are left; False if it was cut short."""
        course, size = self._course, self._training.batch_size
        order = order_of(self._data.train_rows, self._training.seed, course.epoch - 1)
        done = course.step - (course.epoch - 1) * math.ceil(len(order) / size)
        for batches in batches_of(order, size, done):
            left = batches
            while len(left):
                self._look_up()
                if self._must_stop():
                    return False
                steps = int(self._company.gang.chiefs(self._chunks.steps(len(left))))
                part, left = np.split(left, [steps])
                course.state, course.sums = self._chunks.run(course.state, course.sums, part)
                course.step += len(part)
                if not np.isfinite(course.sums.totals).all():
                    raise Diverged(course.epoch, course.step)
        self._tick()
        return True

    def _must_stop(self) -> bool:
        """Return whether training ends here, and note why; without one step it would be of use to nobody."""
        seconds, course, gang = self._training.max_seconds, self._course, self._company.gang
        if course.step and gang.any(self._company.should_finish()):
            course.stop_reason = "stopped"
        elif course.step and seconds is not None and gang.any(course.seconds >= seconds):
            course.stop_reason = "max_seconds"
        return course.stop_reason is not None

    def _look_up(self) -> None:
        """Between two chunks: tell how far it is, leave if asked, keep what there is if it is time."""
        company = self._company
        self._tick()
        if self._ticked - self._reported >= PROGRESS_SECONDS:
            self._reported = self._ticked
            company.report("progress", self._figures.progress(self._course))
        if company.gang.any(company.should_leave()):
            self._keep()
            raise Left
        if company.keeper and company.keeper.is_due():
            self._keep()

    def _tick(self) -> None:
        now = time.monotonic()
        self._course.tick(now - self._ticked)
        self._ticked = now

    def _end_epoch(self) -> None:
        """Validate, tell, and decide what is kept of this epoch and whether there is another."""
        course, watch = self._course, self._company.watch
        seconds, scored = course.epoch_seconds, self._scored()
        figures = self._figures.epoch(course, scored, seconds)
        course.epochs.append(figures)
        self._company.report("epoch", figures)
        if watch and course.epoch in watch.epochs:
            self._put(course.state)
            watch.look(course.epoch)
        course.best = best_of(course.best, course.epoch, figures["metrics"], self._training)
        if course.best is None or course.best["epoch"] == course.epoch:
            course.best_state = course.state
        self._lower_rate(figures["metrics"])
        stopping = self._training.early_stopping
        if course.epoch == self._training.epochs:
            course.stop_reason = "completed"
        elif stopping and is_stuck(course.epochs, stopping):
            course.stop_reason = "early_stopping"
        else:
            course.begin_epoch()

    def _scored(self) -> Sums | None:
        rows = self._data.validation_rows
        if not len(rows):
            return None
        scored = self._scores.run(self._course.state, rows, self._look_up)
        scored = Sums(np.array([self._company.gang.chiefs(total) for total in scored.totals]), scored.weight)
        if not np.isfinite(scored.totals).all():
            raise Diverged(self._course.epoch, self._course.step)
        return scored

    def _lower_rate(self, metrics: dict[str, float]) -> None:
        plateau, course = self._course.plateau, self._course
        # Of few rows there may be none to validate.
        if plateau and plateau.monitor in metrics:
            course.state = course.state._replace(factor=tf.constant(plateau.watch(metrics)))

    def _keep(self) -> None:
        if self._company.keeper:
            self._company.keeper.keep(self._course.checkpoint())

    def _put(self, state: State) -> None:
        """Let the network hold these weights; training goes on from the state, whatever the network holds."""
        weights = self._learning.packing.unpack(state.weights)
        for variable, value in zip(self._network.trainable_variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self._network.non_trainable_variables, state.others, strict=True):
            variable.assign(value)
