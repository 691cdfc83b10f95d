"""Generative adversarial networks (Goodfellow et al., 2014), dense or convolutional (Radford et al., 2016).

Shapes: B rows, L latent numbers. The network is ``discriminator(generator(latent))``; the generator answers
in -1..1, as the discriminator takes rows, and ``unscaling`` brings that to the dataset's range. A conditional
generator is told the class by a vector, a conditional discriminator by a projection (Miyato and Koyama,
2018). Layers are those of ``models.gan_outline``.
"""

from math import prod
from typing import Any

import keras

from models.gan_outline import LABEL_SIZE, sides_of
from models.numeric_rows import unit_scale
from models.schema import InputSchema
from models.specs.gan import GanSpec
from models.statistics import Scale, Statistics


def build(spec: GanSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``float32[B, L]``, and classes ``int32[B]`` if conditional, to rows and scores.

    Rows are ``float32[B, *source.shape]`` in the dataset's range, scores ``float32[B, 1]``.
    """
    inputs = [keras.Input((spec.latent,), name="latent", dtype="float32")]
    if spec.conditional:
        inputs.append(keras.Input((), name="label", dtype="int32"))
    made = _generator(spec, source)(_of(inputs))
    scale = symmetric_scale(source, statistics)
    one = len(scale.means) == 1
    row = keras.layers.Rescaling(
        scale.deviations[0] if one else list(scale.deviations),
        scale.means[0] if one else list(scale.means),
        name="unscaling",
    )(made)
    score = _discriminator(spec, source)(_of([made, *inputs[1:]]))
    return keras.Model(_of(inputs), [row, score], name="gan")


def symmetric_scale(source: InputSchema, statistics: Statistics) -> Scale:
    """Return the scale that maps the range of the rows to -1..1."""
    unit = unit_scale(source, statistics)
    halves = tuple(width / 2 for width in unit.deviations)
    return Scale(tuple(low + half for low, half in zip(unit.means, halves, strict=True)), halves)


def _generator(spec: GanSpec, source: InputSchema) -> keras.Model:
    inputs = [keras.Input((spec.latent,), dtype="float32")]
    x: Any = inputs[0]
    if spec.conditional:
        inputs.append(keras.Input((), dtype="int32"))
        vector = keras.layers.Embedding(source.classes, LABEL_SIZE, name="embedding")(inputs[1])
        x = keras.layers.Concatenate(name="seed")([x, vector])
    for number, units in enumerate(spec.generator, 1):
        x = _activated(x, keras.layers.Dense, (units,), spec, f"generator_{number}")
    if spec.filters:
        return keras.Model(_of(inputs), _drawn(x, spec, source), name="generator")
    x = keras.layers.Dense(prod(source.shape), activation="tanh", use_bias=spec.bias, name="output")(x)
    if len(source.shape) > 1:
        x = keras.layers.Reshape(source.shape, name="reshape")(x)
    return keras.Model(_of(inputs), x, name="generator")


def _drawn(x: Any, spec: GanSpec, source: InputSchema) -> Any:
    """Return an image, ``[B, *source.shape]``, grown from the smallest that the discriminator has."""
    sides = sides_of(spec, source)
    smallest = (*sides[-1], spec.filters[-1])
    x = _activated(x, keras.layers.Dense, (prod(smallest),), spec, "expand")
    x = keras.layers.Reshape(smallest, name="expand_reshape")(x)
    stages = list(zip([source.shape[2], *spec.filters[:-1]], sides[:-1], strict=True))
    for number, (filters, side) in enumerate(reversed(stages), 1):
        own = {"strides": 2, "padding": "same"}
        if number < len(stages):
            arguments = (filters, spec.kernel)
            x = _activated(x, keras.layers.Conv2DTranspose, arguments, spec, f"up_{number}", **own)
        else:
            x = keras.layers.Conv2DTranspose(
                filters, spec.kernel, activation="tanh", use_bias=spec.bias, name="output", **own
            )(x)
        # The discriminator rounds up, so there may be a border too much.
        surplus = tuple(grown - wanted for grown, wanted in zip(x.shape[1:3], side, strict=True))
        if any(surplus):
            x = keras.layers.Cropping2D([(0, extra) for extra in surplus], name=f"up_{number}_crop")(x)
    return x


def _discriminator(spec: GanSpec, source: InputSchema) -> keras.Model:
    inputs = [keras.Input(source.shape, dtype="float32")]
    x: Any = inputs[0]
    for number, filters in enumerate(spec.filters, 1):
        layer = keras.layers.Conv2D(
            filters,
            spec.kernel,
            strides=2,
            padding="same",
            activation=spec.activation,
            use_bias=spec.bias,
            name=f"down_{number}",
        )
        x = _dropped(layer(x), spec, f"down_{number}")
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(spec.discriminator, 1):
        name = f"discriminator_{number}"
        layer = keras.layers.Dense(units, activation=spec.activation, use_bias=spec.bias, name=name)
        x = _dropped(layer(x), spec, name)
    if not spec.conditional:
        return keras.Model(_of(inputs), keras.layers.Dense(1, name="score")(x), name="discriminator")
    inputs.append(keras.Input((), dtype="int32"))
    # At first the class says nothing.
    projection = keras.layers.Embedding(
        source.classes, x.shape[1], embeddings_initializer="zeros", name="projection"
    )(inputs[1])
    score = keras.layers.Dense(1, name="score")(x)
    agreement = keras.layers.Dot(1, name="agreement")([x, projection])
    return keras.Model(
        _of(inputs), keras.layers.Add(name="conditional_score")([score, agreement]), name="discriminator"
    )


def _activated(
    x: Any, kind: type[keras.Layer], arguments: tuple[int, ...], spec: GanSpec, name: str, **own: Any
) -> Any:
    """Return a layer of the generator: before a normalisation it has neither a bias nor an activation."""
    if not spec.batch_normalization:
        return kind(*arguments, activation=spec.activation, use_bias=spec.bias, name=name, **own)(x)
    x = kind(*arguments, use_bias=False, name=name, **own)(x)
    x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.Activation(spec.activation, name=f"{name}_activation")(x)


def _dropped(x: Any, spec: GanSpec, name: str) -> Any:
    return keras.layers.Dropout(spec.dropout, name=f"{name}_dropout")(x) if spec.dropout else x


def _of(inputs: list[Any]) -> Any:
    """Return what Keras takes for one input, or for several."""
    return inputs[0] if len(inputs) == 1 else inputs
