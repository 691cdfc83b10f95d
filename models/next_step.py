"""How a sequence is cut into what came first and what came then."""

import numpy as np
import tensorflow as tf


def cut(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the steps before the last, ``[rows, time - 1, features]``, and the last, ``[rows, features]``.

    ``rows`` is ``float32[rows, time, features]``, padded at the end by steps that are NaN throughout; the
    last step is the last that is no padding, and what came before it is padded in the same way.
    """
    steps = tf.range(tf.shape(rows)[1])
    present = tf.reduce_any(~tf.math.is_nan(rows), axis=2)  # [rows, time]
    last = tf.reduce_max(tf.where(present, steps, 0), axis=1)  # [rows]
    then = tf.gather(rows, last, axis=1, batch_dims=1)
    is_last = (steps == last[:, None])[..., None]
    return tf.where(is_last, np.float32(np.nan), rows)[:, :-1], then
