"""What a network that predicts is to get right: the class of a row, or its values."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from models.batches import class_weights
from models.forecasting import is_forecast
from models.lesson import Lesson
from models.next_step import cut
from models.state import Tensors
from models.statistics import Scale
from models.step import Batch, Learning, Loss, Objective, learning, sums_of

CLASSIFICATION = ("loss", "accuracy")
REGRESSION = ("loss", "mae")


def predicting(lesson: Lesson) -> Learning:
    """Return how a network learns that predicts: classes, values, or what comes next."""
    network, data = lesson.network, lesson.data
    if is_forecast(data.source):
        return learning(REGRESSION, forecasting(network, data.statistics.inputs), lesson)
    if data.source.classes is None:
        return learning(REGRESSION, regression(network, data.statistics.targets), lesson)
    labels = data.source.labels or [str(number) for number in range(data.source.classes)]
    weights = class_weights(data.y, data.train_rows, lesson.training.class_weight, labels)
    smoothing = lesson.training.label_smoothing
    return learning(CLASSIFICATION, classification(network, weights, smoothing), lesson)


def classification(network: keras.Model, class_weight: np.ndarray, smoothing: float = 0.0) -> Objective:
    """Return the cross-entropy of class probabilities (nats), weighted by row, and by class in training.

    As in Keras, weighted losses are added up and divided by the number of rows; accuracy is not weighted. In
    training the target has ``1 - smoothing`` of the probability; all classes share the rest (Szegedy et
    al., 2016).

    The network answers ``float32[batch, classes]``; targets are classes, int64 ``[batch]``.
    """
    weights_of_classes = tf.constant(class_weight)

    def entropy(y: tf.Tensor, weight: tf.Tensor | None, probabilities: tf.Tensor) -> tf.Tensor:
        """Return what is to become less in training, row by row."""
        plain = keras.ops.sparse_categorical_crossentropy(y, probabilities)
        if smoothing:
            plain = (1 - smoothing) * plain + smoothing * _evenly(probabilities)
        return _weighed(plain * tf.gather(weights_of_classes, y), weight)

    def objective(weights: Tensors, others: Tensors, batch: Batch, training: bool) -> Loss:
        answer, others, penalties = network.stateless_call(
            weights, others, batch.x, training=training, return_losses=True
        )
        probabilities = first(answer)
        if training:
            losses = _mixed(batch, lambda y, weight: entropy(y, weight, probabilities))
            loss = tf.reduce_mean(losses) + sum(penalties)
        else:
            plain = keras.ops.sparse_categorical_crossentropy(batch.y, probabilities)
            loss = tf.reduce_mean(_weighed(plain, batch.weight))
        found = tf.argmax(probabilities, -1)
        right = tf.reduce_mean(_mixed(batch, lambda y, _: tf.cast(found == y, tf.float32)))
        return Loss(loss, others, sums_of(tf.size(batch.y), loss, right))

    return objective


def _mixed(batch: Batch, figure: Callable[[tf.Tensor, tf.Tensor | None], tf.Tensor]) -> tf.Tensor:
    """Return a figure of rows by class and weight, float32 ``[batch]``; of mixed rows both's, by share."""
    own = figure(batch.y, batch.weight)
    if batch.mixed is None:
        return own
    return own + batch.mixed.share * (figure(batch.mixed.y, batch.mixed.weight) - own)


def _weighed(errors: tf.Tensor, weight: tf.Tensor | None) -> tf.Tensor:
    """Return errors, float32 ``[batch, ...]``, times the weight of their row, where rows have weights."""
    if weight is None:
        return errors
    return errors * tf.reshape(weight, [-1, *[1] * (len(errors.shape) - 1)])


def _evenly(probabilities: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy where every class is as right as any other."""
    smallest = keras.config.epsilon()
    return -tf.reduce_mean(tf.math.log(tf.clip_by_value(probabilities, smallest, 1 - smallest)), -1)


def regression(network: keras.Model, scale: Scale) -> Objective:
    """Return the mean squared error of values, ``float32[batch, targets]``, and their mean absolute error.

    Both in units of ``scale``, the targets' own, so that targets of different size count alike. The squared
    error is weighted by row.
    """
    deviations = tf.constant(scale.deviations, tf.float32)

    def objective(weights: Tensors, others: Tensors, batch: Batch, training: bool) -> Loss:
        answer, others, penalties = network.stateless_call(
            weights, others, batch.x, training=training, return_losses=True
        )
        difference = (first(answer) - batch.y) / deviations
        loss = tf.reduce_mean(_weighed(tf.square(difference), batch.weight))
        if training:
            loss = loss + sum(penalties)
        return Loss(loss, others, sums_of(tf.shape(batch.y)[0], loss, tf.reduce_mean(tf.abs(difference))))

    return objective


def forecasting(network: keras.Model, scale: Scale) -> Objective:
    """Return the mean squared error of the last step of sequences, foretold from those before.

    Rows are those of :func:`models.next_step.cut`; the network answers ``float32[batch, features]``. Errors
    are in units of ``scale``, that of the features; what is missing in the last step (NaN) does not count.
    The squared error is weighted by row.
    """
    deviations = tf.constant(scale.deviations, tf.float32)

    def objective(weights: Tensors, others: Tensors, batch: Batch, training: bool) -> Loss:
        before, then = cut(batch.x)
        answer, others, penalties = network.stateless_call(
            weights, others, before, training=training, return_losses=True
        )
        # A foretold NaN is no missing value: it must reach the loss.
        is_known = ~tf.math.is_nan(then)
        difference = tf.where(is_known, (first(answer) - then) / deviations, 0.0)
        values = tf.reduce_sum(tf.cast(is_known, tf.float32))
        loss = tf.reduce_sum(_weighed(tf.square(difference), batch.weight)) / tf.maximum(values, 1.0)
        mae = tf.reduce_sum(tf.abs(difference)) / tf.maximum(values, 1.0)
        if training:
            loss = loss + sum(penalties)
        return Loss(loss, others, sums_of(values, loss, mae))

    return objective


def first(answer: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
    """Return what a network predicts, of one that also answers how it came to that."""
    return answer[0] if isinstance(answer, list | tuple) else answer
