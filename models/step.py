"""One step of training, and the score of a state: pure functions of a state and of rows, for every family."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from models.lesson import Lesson
from models.mixing import Mixed
from models.optimizers import Moment
from models.state import Packing, State, Tensors


class Sums(NamedTuple):
    """Sums of figures: ``totals``, float64 ``[figures]``, each weighted, and the ``weight`` of all, float64.

    What is weighed is up to the family: rows, or the tokens that are no padding.
    """

    totals: Any
    weight: Any

    def plus(self, other: "Sums") -> "Sums":
        """Return both together."""
        return Sums(self.totals + other.totals, self.weight + other.weight)


class Loss(NamedTuple):
    """What is to become less, a scalar; the network's other variables afterwards; and what is told of it."""

    value: tf.Tensor
    others: Tensors
    sums: Sums


class Batch(NamedTuple):
    """Rows ``x`` with their targets ``y``, the number of the step, counted from 0, and what was mixed in.

    ``weight`` is how much each row counts, float32 ``[batch]``; None: all alike.
    """

    x: tf.Tensor
    y: tf.Tensor
    step: tf.Tensor
    mixed: Mixed | None = None
    weight: tf.Tensor | None = None


Objective = Callable[[Tensors, Tensors, Batch, bool], Loss]
"""From weights in the network's own shapes, its other variables, a batch, and whether this is training, to a
loss. Penalties count in training only."""
Step = Callable[..., tuple[State, Sums]]
"""From a state, rows and their targets, and their weights where rows have any, to the next state."""
Score = Callable[..., Sums]
"""From the same to sums; nothing is learnt."""


class Slope(NamedTuple):
    """What a step has found before it moves: gradients, what else changes, and the sums of figures."""

    gradients: Tensors
    others: Tensors
    augmentation: Tensors
    sums: Sums


class Halves(NamedTuple):
    """A step in two halves, between which devices can add up what each has found."""

    slope: Callable[..., Slope]
    """From a state, rows and targets, the weights of rows or None, and what tells the random numbers of one
    device from those of another, int64."""
    move: Callable[[State, Slope], State]


def _same(state: State) -> State:
    return state


class Learning(NamedTuple):
    """How a network learns: the names of its figures, the loss first; its step and its score.

    ``packing`` is that of its weights, and ``slots`` how many lists of as many tensors its optimizers keep.
    ``halves`` are those of its step, if it can be taken in two. Several steps are taken on what ``spread``
    makes of a state, which ``gathered`` makes a state again.
    """

    names: tuple[str, ...]
    step: Step
    score: Score
    packing: Packing
    slots: int
    halves: Halves | None = None
    spread: Callable[[State], Any] = _same
    gathered: Callable[[Any], State] = _same


def learning(names: tuple[str, ...], objective: Objective, lesson: Lesson) -> Learning:
    """Return how a network learns that has one objective and one optimizer."""
    augmenter, mixer, update = lesson.augmenter, lesson.mixer, lesson.update
    packing = Packing(lesson.network.trainable_variables)

    def slope(
        state: State, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None, stream: int = 0
    ) -> Slope:
        augmentation = state.augmentation
        if augmenter is not None:
            x, augmentation = augmenter.stateless_call([], augmentation, x, training=True)
        mixed = None
        if mixer is not None:
            x, mixed = mixer(x, y, state.step + stream, weight)
        batch = Batch(x, y, state.step, mixed, weight)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.weights)
            loss = objective(packing.unpack(state.weights), state.others, batch, True)
        gradients = tape.gradient(loss.value, state.weights)
        return Slope(gradients, loss.others, augmentation, loss.sums)

    def move(state: State, found: Slope) -> State:
        moment = Moment(state.step, state.factor)
        moved, slots = update.apply(state.weights, found.gradients, state.slots, moment)
        return State(state.step + 1, moved, found.others, slots, found.augmentation, state.factor)

    def step(state: State, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> tuple[State, Sums]:
        found = slope(state, x, y, weight)
        return move(state, found), found.sums

    def score(state: State, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> Sums:
        batch = Batch(x, y, state.step, weight=weight)
        return objective(packing.unpack(state.weights), state.others, batch, False).sums

    # AutoGraph would rewrite Keras' own code too, slowly and for nothing.
    step, score = map(tf.autograph.experimental.do_not_convert, (step, score))
    return Learning(names, step, score, packing, update.slots, Halves(slope, move))


def sums_of(weight: tf.Tensor, *means: tf.Tensor) -> Sums:
    """Return the sums of figures whose means over ``weight`` rows (or tokens) are given."""
    weight = tf.cast(weight, tf.float64)
    return Sums(tf.stack([tf.cast(mean, tf.float64) for mean in means]) * weight, weight)
