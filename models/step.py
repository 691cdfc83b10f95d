"""One step of the training of a classifier, and its score: pure functions of a state and of rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from models.optimizers import Update
from models.state import Packing, State


class Sums(NamedTuple):
    """Sums over rows, of tensors or of numbers: the loss (float64), right answers and rows (int64)."""

    loss: Any
    right: Any
    rows: Any

    def plus(self, other: "Sums") -> "Sums":
        """Return both together."""
        return Sums(self.loss + other.loss, self.right + other.right, self.rows + other.rows)


Step = Callable[[State, tf.Tensor, tf.Tensor], tuple[State, Sums]]
Score = Callable[[State, tf.Tensor, tf.Tensor], Sums]


def classifier_step(
    network: keras.Model,
    packing: Packing,
    update: Update,
    augmenter: keras.Model | None,
    class_weight: tf.Tensor,
) -> Step:
    """Return the step: rows ``x`` float32 and classes ``y`` int64 of one batch to the next state.

    The loss is the cross-entropy, weighted by class, averaged over the batch, plus the network's penalties.
    """

    def step(state: State, x: tf.Tensor, y: tf.Tensor) -> tuple[State, Sums]:
        augmentation = state.augmentation
        if augmenter is not None:
            x, augmentation = augmenter.stateless_call([], augmentation, x, training=True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.weights)
            weights = packing.unpack(state.weights)
            answer, others, penalties = network.stateless_call(
                weights, state.others, x, training=True, return_losses=True
            )
            entropy = keras.ops.sparse_categorical_crossentropy(y, answer)
            loss = tf.reduce_mean(entropy * tf.gather(class_weight, y)) + sum(penalties)
        gradients = tape.gradient(loss, state.weights)
        moved, slots = update.apply(state.weights, gradients, state.slots, state.step)
        return State(state.step + 1, moved, others, slots, augmentation), _sums(loss, answer, y)

    # AutoGraph would rewrite Keras' own code too, slowly and for nothing.
    return tf.autograph.experimental.do_not_convert(step)  # type: ignore[no-any-return]


def classifier_score(network: keras.Model, packing: Packing) -> Score:
    """Return the score of a state on rows: the plain cross-entropy and the right answers."""

    def score(state: State, x: tf.Tensor, y: tf.Tensor) -> Sums:
        answer, _ = network.stateless_call(packing.unpack(state.weights), state.others, x, training=False)
        return _sums(tf.reduce_mean(keras.ops.sparse_categorical_crossentropy(y, answer)), answer, y)

    return tf.autograph.experimental.do_not_convert(score)  # type: ignore[no-any-return]


def _sums(mean_loss: tf.Tensor, answer: tf.Tensor, y: tf.Tensor) -> Sums:
    rows = tf.size(y, out_type=tf.int64)
    right = tf.math.count_nonzero(tf.argmax(answer, -1) == y, dtype=tf.int64)
    return Sums(tf.cast(mean_loss, tf.float64) * tf.cast(rows, tf.float64), right, rows)
