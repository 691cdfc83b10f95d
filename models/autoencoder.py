"""Autoencoders (Hinton and Salakhutdinov, 2006), denoising (Vincent et al., 2008) and variational ones.

Shapes: B rows, L numbers of the codes. The network is ``unscaling(decoder(encoder(scaler(rows))))``, and
these four are its layers. The encoder of a variational autoencoder (Kingma and Welling, 2014) answers with
means and logarithms of variances; the network decodes the means. Layers are those of
``models.autoencoder_outline``.
"""

from math import prod
from typing import Any

import keras

from models.autoencoder_outline import output_of, sides_of
from models.numeric_rows import unit_scale
from models.penalties import penalty_of
from models.schema import InputSchema
from models.specs.autoencoder import AutoencoderSpec, StageBlock
from models.specs.dense import DenseBlock
from models.statistics import Scale, Statistics


def build(spec: AutoencoderSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``float32[B, *source.shape]`` to its reconstruction, of the same shape."""
    scale = _scale(spec, source, statistics)
    rows = keras.Input(source.shape, name="rows", dtype="float32")
    codes = _encoder(spec, source)(_scaler(spec, scale, source)(rows))  # [B, L]; a variational one: two
    decoded = _decoder(spec, source)(codes[0] if spec.variational else codes)
    unscaling = _rescaling("unscaling", scale.deviations, scale.means) if scale else _unchanged("unscaling")
    return keras.Model(rows, unscaling(decoded), name="autoencoder")


def _scale(spec: AutoencoderSpec, source: InputSchema, statistics: Statistics) -> Scale | None:
    """Return how values are scaled; None for not at all."""
    if spec.scaling == "none":
        return None
    standard = spec.scaling == "standard"
    return statistics.inputs if standard else unit_scale(source, statistics)


def _scaler(spec: AutoencoderSpec, scale: Scale | None, source: InputSchema) -> keras.Model:
    rows = keras.Input(source.shape, dtype="float32")
    if scale is None:
        x = _unchanged("scaling")(rows)
    else:
        factors = tuple(1.0 / deviation for deviation in scale.deviations)
        offsets = tuple(-mean * factor for mean, factor in zip(scale.means, factors, strict=True))
        x = _rescaling("scaling", factors, offsets)(rows)
    if source.kind != "images":
        # A missing number is taken for the mean, or for 0 where nothing is scaled.
        x = keras.ops.where(keras.ops.isnan(x), 0.5 if spec.scaling == "unit" else 0.0, x)
    return keras.Model(rows, x, name="scaler")


def _encoder(spec: AutoencoderSpec, source: InputSchema) -> keras.Model:
    scaled = keras.Input(source.shape, dtype="float32")
    x = keras.layers.GaussianNoise(spec.noise, name="noise")(scaled) if spec.noise else scaled
    for number, stage in enumerate(spec.convolutions, 1):
        x = _stage(x, keras.layers.Conv2D, stage, spec, f"conv_{number}")  # [B, H, W, filters]
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name="flatten")(x)
    for number, block in enumerate(spec.dense, 1):
        x = _connected(x, block, spec, f"dense_{number}")
    if spec.variational:
        answers = [_dense(spec.latent, "linear", spec, name)(x) for name in ("mean", "log_variance")]
        return keras.Model(scaled, answers, name="encoder")
    codes = _dense(spec.latent, spec.latent_activation, spec, "codes")(x)
    if spec.latent_dropout:
        codes = keras.layers.Dropout(spec.latent_dropout, name="codes_dropout")(codes)
    return keras.Model(scaled, codes, name="encoder")


def _decoder(spec: AutoencoderSpec, source: InputSchema) -> keras.Model:
    codes = keras.Input((spec.latent,), dtype="float32")
    x: Any = codes
    for number, block in enumerate(reversed(spec.dense), 1):
        x = _connected(x, block, spec, f"decoder_dense_{number}")
    if not spec.convolutions:
        x = _dense(prod(source.shape), output_of(spec), spec, "output")(x)
        if len(source.shape) > 1:
            x = keras.layers.Reshape(source.shape, name="reshape")(x)
        return keras.Model(codes, x, name="decoder")
    sides = sides_of(spec, source)
    shape = (*sides[-1], spec.convolutions[-1].filters)
    x = _dense(prod(shape), spec.activation, spec, "expand")(x)
    x = keras.layers.Reshape(shape, name="expand_reshape")(x)
    stages = list(zip(spec.convolutions, sides, strict=False))
    for number, (stage, side) in enumerate(reversed(stages), 1):
        name = f"deconv_{number}"
        x = _stage(x, keras.layers.Conv2DTranspose, stage, spec, name)
        # The encoder rounded up, so there may be a border too much.
        surplus = tuple(grown - wanted for grown, wanted in zip(x.shape[1:3], side, strict=True))
        if any(surplus):
            borders = tuple((extra // 2, extra - extra // 2) for extra in surplus)
            x = keras.layers.Cropping2D(borders, name=f"{name}_crop")(x)
    output = keras.layers.Conv2D(
        source.shape[2],
        3,
        padding="same",
        activation=output_of(spec),
        kernel_regularizer=penalty_of(spec),
        name="output",
    )
    return keras.Model(codes, output(x), name="decoder")


def _stage(x: Any, kind: type[keras.Layer], stage: StageBlock, spec: AutoencoderSpec, name: str) -> Any:
    own = _activated(spec.activation, stage.batch_normalization)
    layer = kind(
        stage.filters,
        stage.kernel,
        strides=stage.stride,
        padding="same",
        kernel_regularizer=penalty_of(spec),
        name=name,
        **own,
    )
    return _normalized(layer(x), spec.activation, name) if stage.batch_normalization else layer(x)


def _connected(x: Any, block: DenseBlock, spec: AutoencoderSpec, name: str) -> Any:
    activation = block.activation or spec.activation
    own = _activated(activation, block.batch_normalization)
    x = keras.layers.Dense(block.units, kernel_regularizer=penalty_of(spec), name=name, **own)(x)
    if block.batch_normalization:
        x = _normalized(x, activation, name)
    return keras.layers.Dropout(block.dropout, name=f"{name}_dropout")(x) if block.dropout else x


def _activated(activation: str, normalized: bool) -> dict[str, Any]:
    """Return arguments of a layer: before a normalisation it has no bias and no activation of its own."""
    return {"use_bias": False} if normalized else {"activation": activation}


def _normalized(x: Any, activation: str, name: str) -> Any:
    x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.Activation(activation, name=f"{name}_activation")(x)


def _dense(units: int, activation: str, spec: AutoencoderSpec, name: str) -> keras.Layer:
    return keras.layers.Dense(units, activation=activation, kernel_regularizer=penalty_of(spec), name=name)


def _rescaling(name: str, factors: tuple[float, ...], offsets: tuple[float, ...]) -> keras.Layer:
    one = len(factors) == 1
    return keras.layers.Rescaling(
        factors[0] if one else list(factors), offsets[0] if one else list(offsets), name=name
    )


def _unchanged(name: str) -> keras.Layer:
    return keras.layers.Identity(name=name)
