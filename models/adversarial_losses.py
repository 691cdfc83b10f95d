"""What either player of an adversarial network is to make small. Scores are ``float32[B, 1]``."""

from collections.abc import Callable

import tensorflow as tf

from models.specs.gan import GanSpec

# Keeps the gradient of a norm finite where the norm is 0.
_EPSILON = 1e-12


def discriminator_loss(spec: GanSpec, real: tf.Tensor, made: tf.Tensor) -> tf.Tensor:
    """Return the loss of who scores: real rows are to have high scores, made ones low."""
    match spec.loss:
        case "bce":
            # Goodfellow et al., 2014; the cross-entropy with a target below 1 adds a share of the score.
            return tf.reduce_mean(tf.nn.softplus(-real) + spec.label_smoothing * real + tf.nn.softplus(made))
        case "hinge":
            # Lim and Ye, 2017.
            return tf.reduce_mean(tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + made))
        case "wgan_gp":
            # Arjovsky et al., 2017: without the penalty, the negative estimate of a distance.
            return tf.reduce_mean(made - real)


def generator_loss(spec: GanSpec, made: tf.Tensor) -> tf.Tensor:
    """Return the loss of who makes rows up: these are to have high scores.

    For ``bce`` in the form that does not saturate (Goodfellow et al., 2014, end of section 3).
    """
    return tf.reduce_mean(tf.nn.softplus(-made) if spec.loss == "bce" else -made)


def gradient_penalty(score: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tf.Tensor:
    """Return how far the gradient of a score at some points is from length 1 (Gulrajani et al., 2017)."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        scores = score(points)
    gradients = tape.gradient(scores, points)
    squares = tf.reduce_sum(tf.square(gradients), list(range(1, len(gradients.shape))))
    return tf.reduce_mean(tf.square(tf.sqrt(squares + _EPSILON) - 1.0))
