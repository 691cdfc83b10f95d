"""Mixing rows of a batch with each other, and so their labels: MixUp and CutMix."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from models.specs.augmentations import Augmentation, CutmixSpec, Mixing, MixupSpec

# What random numbers are for; each purpose has a stream of its own in each step.
_STREAMS = 4
_ONE, _OTHER, _TOP, _LEFT = range(_STREAMS)
# Beside the streams of dropout and of other augmentations, which come from the seed alone.
_KEY = 2**40


class Mixed(NamedTuple):
    """What was mixed into rows: its classes, int64 ``[batch]``, and its shares, float32 ``[batch]``.

    ``weight`` is how much what was mixed in counts, float32 ``[batch]``, where rows have weights.
    """

    y: tf.Tensor
    share: tf.Tensor
    weight: tf.Tensor | None = None


Mixer = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | None], tuple[tf.Tensor, Mixed]]
"""From images, float32 ``[batch, height, width, channels]``, their classes, the number of the step, and how
much each row counts, if rows have weights."""


def mixer(augmentations: tuple[Augmentation, ...], seed: int) -> Mixer | None:
    """Return what mixes the rows of a batch; None if nothing does.

    Each row meets the one before it: the order of rows is random in itself. Random numbers come from the seed
    and the number of the step, so that runs repeat bit for bit.
    """
    for spec in augmentations:
        if isinstance(spec, Mixing):
            return _mixer(spec, seed)
    return None


def _mixer(spec: MixupSpec | CutmixSpec, seed: int) -> Mixer:
    def mix(
        x: tf.Tensor, y: tf.Tensor, step: tf.Tensor, weight: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, Mixed]:
        share = _share(spec.alpha, tf.shape(x)[0], seed, step)
        other = tf.roll(x, 1, axis=0)
        if isinstance(spec, MixupSpec):
            part = share[:, None, None, None]
            x = x + part * (other - x)
        else:
            x, share = _pasted(x, other, share, seed, step)
        return x, Mixed(tf.roll(y, 1, axis=0), share, None if weight is None else tf.roll(weight, 1, axis=0))

    return mix


def _share(alpha: float, rows: tf.Tensor, seed: int, step: tf.Tensor) -> tf.Tensor:
    """Return the share of the other row for each row: beta-distributed, made of two gammas."""
    one, other = (
        tf.random.stateless_gamma([rows], _stream(seed, step, purpose), alpha) for purpose in (_ONE, _OTHER)
    )
    return tf.math.divide_no_nan(one, one + other)


def _pasted(
    x: tf.Tensor, other: tf.Tensor, share: tf.Tensor, seed: int, step: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return images with a rectangle of others, and the share of the area that this truly is."""
    side = tf.sqrt(share)
    rows, columns = (
        _within(tf.shape(x)[axis], side, _stream(seed, step, purpose))
        for axis, purpose in ((1, _TOP), (2, _LEFT))
    )
    inside = rows[:, :, None] & columns[:, None, :]  # [batch, height, width]
    area = tf.reduce_mean(tf.cast(inside, tf.float32), axis=[1, 2])
    return tf.where(inside[..., None], other, x), area


def _within(length: tf.Tensor, side: tf.Tensor, stream: list[tf.Tensor]) -> tf.Tensor:
    """Return which places along an axis lie in an interval of that share of it, bool ``[batch, length]``.

    Its centre is anywhere; what reaches beyond the border is cut off.
    """
    total = tf.cast(length, tf.float32)
    centre = tf.random.stateless_uniform(tf.shape(side), stream) * total
    places = tf.range(total)[None, :] + 0.5
    return tf.abs(places - centre[:, None]) < (side * total / 2)[:, None]


def _stream(seed: int, step: tf.Tensor, purpose: int) -> list[tf.Tensor]:
    return [tf.constant(_KEY + seed, tf.int64), step * _STREAMS + purpose]
