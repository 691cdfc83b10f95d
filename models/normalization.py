"""Batch normalisation in one operation: while a network trains, its layers calculate with a fused one.

Keras writes Ioffe and Szegedy (2015) as some ten operations, each of which goes through the whole batch in
memory; on a CPU they took as long as the convolutions around them. What is kept is Keras' own layer.
"""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc] # Keras ships no types
    """Keras' layer for ``[B, H, W, C]`` and ``[B, T, C]``; the numbers differ by rounding alone."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalised batch; in training the moving statistics move."""
        if not training or not self.trainable or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        x = tf.cast(inputs, tf.float32)
        shape = tf.shape(x)
        if x.shape.rank == 3:
            x = x[:, tf.newaxis]
        normalized, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
        )
        # The operation estimates the variance of all rows without bias; Keras keeps that of the batch.
        count = tf.cast(tf.size(x) / tf.shape(x)[-1], tf.float32)
        variance *= (count - 1) / count
        for kept, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
            kept.assign(kept.value * self.momentum + seen * (1 - self.momentum))
        return tf.cast(tf.reshape(normalized, shape), self.compute_dtype)


def can_fuse(layer: keras.Layer) -> bool:
    """Return whether a layer normalises feature maps in the way that the operation knows."""
    if type(layer) is not keras.layers.BatchNormalization:
        return False
    rank = layer.input_spec.ndim
    plain = layer.scale and layer.center and not layer.renorm and not layer.synchronized
    return plain and rank in (3, 4) and layer.axis in (-1, rank - 1)
