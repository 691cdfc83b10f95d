"""The last layers of every network that predicts: class probabilities, or values in their own units."""

from typing import Any

import keras

from models.schema import InputSchema
from models.statistics import Scale, Statistics


def answer(x: Any, source: InputSchema, statistics: Statistics, penalty: Any = None) -> Any:
    """Return ``probabilities``, ``float32[batch, classes]``, or ``values``, ``float32[batch, targets]``.

    ``x`` is ``float32[batch, features]``; layers are those of :func:`models.layers.head`.
    """
    if source.classes is not None:
        return keras.layers.Dense(
            source.classes, activation="softmax", kernel_regularizer=penalty, name="probabilities"
        )(x)
    scaled = keras.layers.Dense(source.targets, kernel_regularizer=penalty, name="scaled_values")(x)
    targets = statistics.targets
    return keras.layers.Rescaling(list(targets.deviations), list(targets.means), name="values")(scaled)


def scaled_inputs(x: Any, scale: Scale, name: str = "scaling") -> Any:
    """Return inputs with mean 0 and deviation 1 in the training rows, a missing value (NaN) as 0.

    ``x`` is ``float32[batch, …, features]``.
    """
    factors = [1.0 / deviation for deviation in scale.deviations]
    offsets = [-mean * factor for mean, factor in zip(scale.means, factors, strict=True)]
    return imputed(keras.layers.Rescaling(factors, offsets, name=name)(x))


def imputed(x: Any) -> Any:
    """Return 0 for what is missing (NaN)."""
    # Asked the other way round, the exported graph would multiply NaN by 0 instead of choosing.
    return keras.ops.where(keras.ops.isnan(x), 0.0, x)
