"""How an autoencoder learns: to reconstruct what it is given; a variational one, its distribution too."""

import math

import keras
import tensorflow as tf

from models.lesson import Lesson
from models.scopes import others_of, scope_of
from models.specs.autoencoder import AutoencoderSpec
from models.state import Tensors
from models.step import Batch, Learning, Loss, Objective, learning, sums_of
from models.tensor_names import PLAIN, VARIATIONAL

# Steps count from 0, so this stream of the generator is no step's.
_SCORE_STREAM = -1


def reconstructing(spec: AutoencoderSpec, lesson: Lesson) -> Learning:
    """Return how an autoencoder learns; targets are not looked at."""
    if not spec.variational:
        return learning(PLAIN, plain(spec, lesson.network), lesson)
    steps = math.ceil(len(lesson.data.train_rows) / lesson.training.batch_size)
    warmup = spec.kl_warmup_epochs * steps
    return learning(VARIATIONAL, variational(spec, lesson.network, warmup, lesson.training.seed), lesson)


def plain(spec: AutoencoderSpec, network: keras.Model) -> Objective:
    """Return the mean error of a scaled value; in training with the penalty on the codes."""

    def objective(weights: Tensors, others: Tensors, batch: Batch, training: bool) -> Loss:
        with scope_of(network, weights, others) as scope:
            scaled = network.get_layer("scaler")(batch.x)
            codes = network.get_layer("encoder")(scaled, training=training)
            decoded = network.get_layer("decoder")(codes, training=training)
            penalty = sum(network.losses)
        loss = tf.reduce_mean(_errors(spec, scaled, decoded))
        if training:
            loss = loss + penalty
            if spec.sparsity:
                loss = loss + spec.sparsity * tf.reduce_mean(tf.abs(codes))
        return Loss(loss, others_of(network, scope), sums_of(tf.shape(batch.x)[0], loss))

    return objective


def variational(spec: AutoencoderSpec, network: keras.Model, warmup_steps: float, seed: int) -> Objective:
    """Return the negative evidence lower bound of a row, in nats where the loss is `bce`.

    That is the error of its values together, with codes drawn from the encoder's distribution, plus the
    weighted Kullback-Leibler divergence of this from the normal distribution (Kingma and Welling, 2014,
    appendix B). In training the weight rises in the first ``warmup_steps`` steps; a score always has all of
    it, so that epochs compare.
    """

    def objective(weights: Tensors, others: Tensors, batch: Batch, training: bool) -> Loss:
        with scope_of(network, weights, others) as scope:
            scaled = network.get_layer("scaler")(batch.x)
            mean, log_variance = network.get_layer("encoder")(scaled, training=training)
            stream = batch.step if training else tf.constant(_SCORE_STREAM, tf.int64)
            noise = tf.random.stateless_normal(tf.shape(mean), [tf.constant(seed, tf.int64), stream])
            codes = mean + tf.exp(0.5 * log_variance) * noise
            decoded = network.get_layer("decoder")(codes, training=training)
            penalty = sum(network.losses)
        errors = tf.reshape(_errors(spec, scaled, decoded), [tf.shape(mean)[0], -1])
        reconstruction = tf.reduce_mean(tf.reduce_sum(errors, 1))
        divergence = 0.5 * (tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance)
        kl = tf.reduce_mean(tf.reduce_sum(divergence, 1))
        loss = reconstruction + spec.kl_weight * kl
        if training:
            share = tf.minimum(1.0, tf.cast(batch.step + 1, tf.float32) / max(warmup_steps, 1.0))
            loss = reconstruction + spec.kl_weight * share * kl + penalty
        return Loss(loss, others_of(network, scope), sums_of(tf.shape(mean)[0], loss, reconstruction, kl))

    return objective


def _errors(spec: AutoencoderSpec, scaled: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
    if spec.loss == "bce":
        # A value outside 0..1 would be a probability that is none.
        wanted = tf.clip_by_value(scaled, 0.0, 1.0)
        return keras.ops.binary_crossentropy(wanted, decoded)
    return tf.square(scaled - decoded)
