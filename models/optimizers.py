"""Optimizers as pure functions, for Keras' own cannot update a state on TensorFlow; the results are Keras'.

Weights, gradients and slots are lists of float32 tensors of equal shapes.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from models.schedules import Rate
from models.specs.optimizers import AdamSpec, AdamWSpec, Optimizer, RmspropSpec, SgdSpec

Tensors = list[tf.Tensor]
Slots = list[Tensors]
# What Keras adds to the divisor of RMSprop.
RMSPROP_EPSILON = 1e-7


class Moment(NamedTuple):
    """When an update is made: the ``step``, counted from 0, and by what its learning rate is multiplied."""

    step: tf.Tensor
    factor: tf.Tensor | float = 1.0

    def rate(self, rate: Rate) -> tf.Tensor:
        """Return the learning rate of this moment."""
        return rate(self.step) * self.factor


class Update(NamedTuple):
    """``slots`` lists of tensors besides the weights, all zero at first, and the update itself."""

    slots: int
    apply: Callable[[Tensors, Tensors, Slots, Moment], tuple[Tensors, Slots]]


def rate_of(spec: Optimizer, steps_per_epoch: int, epochs: int) -> Rate:
    """Return the learning rate of a spec as a function of the step."""
    return Rate(spec.learning_rate, spec.schedule, steps_per_epoch, epochs)


def update_of(
    spec: Optimizer, rate: Rate, clip_norm: float | None = None, clip_value: float | None = None
) -> Update:
    """Return the update of a spec: ``apply(weights, gradients, slots, moment)``.

    Each number of a gradient is first brought within ``clip_value`` of 0; gradients that are then together
    longer than ``clip_norm`` are shortened to it (Pascanu et al., 2013).
    """
    update = _plain_update(spec, rate)
    if clip_norm is not None:
        update = _clipped(update, lambda gradients: tf.clip_by_global_norm(gradients, clip_norm)[0])
    if clip_value is not None:
        update = _clipped(
            update, lambda gradients: [tf.clip_by_value(each, -clip_value, clip_value) for each in gradients]
        )
    return update


def _clipped(update: Update, clip: Callable[[Tensors], Tensors]) -> Update:

    def apply(weights: Tensors, gradients: Tensors, slots: Slots, moment: Moment) -> tuple[Tensors, Slots]:
        return update.apply(weights, clip(gradients), slots, moment)

    return Update(update.slots, apply)


def _plain_update(spec: Optimizer, rate: Rate) -> Update:
    match spec:
        case SgdSpec():
            return _sgd(spec, rate)
        case AdamSpec():
            return _adam(spec, rate)
        case AdamWSpec():
            return _decayed(_adam(spec, rate), spec.weight_decay, rate)
        case RmspropSpec():
            return _rmsprop(spec, rate)


def _sgd(spec: SgdSpec, rate: Rate) -> Update:
    def apply(weights: Tensors, gradients: Tensors, slots: Slots, moment: Moment) -> tuple[Tensors, Slots]:
        steps = [-moment.rate(rate) * gradient for gradient in gradients]
        if not spec.momentum:
            return [weight + change for weight, change in zip(weights, steps, strict=True)], []
        momentum = [spec.momentum * kept + change for kept, change in zip(slots[0], steps, strict=True)]
        moves = momentum
        if spec.nesterov:
            moves = [spec.momentum * kept + change for kept, change in zip(momentum, steps, strict=True)]
        return [weight + move for weight, move in zip(weights, moves, strict=True)], [momentum]

    return Update(1 if spec.momentum else 0, apply)


def _adam(spec: AdamSpec | AdamWSpec, rate: Rate) -> Update:
    """Kingma and Ba, 2015, in the form that folds the bias correction into the rate (end of section 2)."""

    def apply(weights: Tensors, gradients: Tensors, slots: Slots, moment: Moment) -> tuple[Tensors, Slots]:
        count = tf.cast(moment.step + 1, tf.float32)
        corrected = (
            moment.rate(rate) * tf.sqrt(1 - tf.pow(spec.beta_2, count)) / (1 - tf.pow(spec.beta_1, count))
        )
        means = [mean + (g - mean) * (1 - spec.beta_1) for mean, g in zip(slots[0], gradients, strict=True)]
        squares = [
            mean + (tf.square(g) - mean) * (1 - spec.beta_2)
            for mean, g in zip(slots[1], gradients, strict=True)
        ]
        moved = [
            weight - mean * corrected / (tf.sqrt(square) + spec.epsilon)
            for weight, mean, square in zip(weights, means, squares, strict=True)
        ]
        return moved, [means, squares]

    return Update(2, apply)


def _decayed(update: Update, decay: float, rate: Rate) -> Update:
    """Loshchilov and Hutter, 2019: weights shrink beside the update, not through it."""

    def apply(weights: Tensors, gradients: Tensors, slots: Slots, moment: Moment) -> tuple[Tensors, Slots]:
        kept = 1 - moment.rate(rate) * decay
        return update.apply([weight * kept for weight in weights], gradients, slots, moment)

    return Update(update.slots, apply)


def _rmsprop(spec: RmspropSpec, rate: Rate) -> Update:
    """Tieleman and Hinton, 2012."""

    def apply(weights: Tensors, gradients: Tensors, slots: Slots, moment: Moment) -> tuple[Tensors, Slots]:
        squares = [
            spec.rho * mean + (1 - spec.rho) * tf.square(g)
            for mean, g in zip(slots[0], gradients, strict=True)
        ]
        moves = [
            moment.rate(rate) * g / tf.sqrt(mean + RMSPROP_EPSILON)
            for g, mean in zip(gradients, squares, strict=True)
        ]
        kept = [squares]
        if spec.momentum:
            moves = [spec.momentum * last + move for last, move in zip(slots[1], moves, strict=True)]
            kept.append(moves)
        return [weight - move for weight, move in zip(weights, moves, strict=True)], kept

    return Update(2 if spec.momentum else 1, apply)
