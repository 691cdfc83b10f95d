"""Convolutional networks for the classification of images (LeCun et al., 1998).

Shapes: B rows, H height, W width, C channels, K classes. Layers are those of ``models.cnn_outline``.
"""

from typing import Any

import keras

from models.heads import answer
from models.schema import InputSchema
from models.specs.cnn import CnnSpec, ConvolutionBlock
from models.specs.dense import DenseBlock
from models.statistics import Statistics


def build(spec: CnnSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``float32[B, H, W, C]`` to class probabilities ``float32[B, K]``, or values."""
    image = keras.Input(source.shape, name="image", dtype="float32")
    x = _scale(image, spec, source)
    for number, block in enumerate(spec.blocks, 1):
        x = _convolve(x, block, spec, f"conv_{number}")
    x = _features(x, spec)  # [B, features]
    for number, connected in enumerate(spec.dense, 1):
        x = _connect(x, connected, spec, f"dense_{number}")
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, name="dropout")(x)
    return keras.Model(image, answer(x, source, statistics, _penalty(spec)), name="cnn")


def _scale(x: Any, spec: CnnSpec, source: InputSchema) -> Any:
    if spec.scaling == "unit":
        factor = 1.0 / (source.high - source.low)
        x = keras.layers.Rescaling(factor, offset=-source.low * factor, name="scaling")(x)
    if spec.input_size is not None:
        # Bilinear without antialiasing is the one that ONNX computes alike.
        x = keras.layers.Resizing(*spec.input_size, interpolation="bilinear", name="resizing")(x)
    return x


def _convolve(x: Any, block: ConvolutionBlock, spec: CnnSpec, name: str) -> Any:
    convolution = keras.layers.Conv2D(
        block.filters,
        block.kernel,
        strides=block.stride,
        padding=block.padding,
        **_activated(block, spec),
        name=name,
    )
    x = _normalized(convolution(x), block, spec, name)  # [B, H, W, filters]
    if block.pooling == "max":
        x = keras.layers.MaxPooling2D(block.pool_size, name=f"{name}_pool")(x)
    if block.pooling == "average":
        x = keras.layers.AveragePooling2D(block.pool_size, name=f"{name}_pool")(x)
    return _dropped(x, block, name)


def _features(x: Any, spec: CnnSpec) -> Any:
    match spec.global_pooling:
        case "max":
            return keras.layers.GlobalMaxPooling2D(name="global_pool")(x)
        case "average":
            return keras.layers.GlobalAveragePooling2D(name="global_pool")(x)
        case "none":
            return keras.layers.Flatten(name="flatten")(x)


def _connect(x: Any, block: DenseBlock, spec: CnnSpec, name: str) -> Any:
    dense = keras.layers.Dense(block.units, **_activated(block, spec), name=name)
    return _dropped(_normalized(dense(x), block, spec, name), block, name)


def _activated(block: ConvolutionBlock | DenseBlock, spec: CnnSpec) -> dict[str, Any]:
    """Return the arguments of a layer: before a normalisation it has no bias and no activation of its own."""
    penalty = {"kernel_regularizer": _penalty(spec)}
    if block.batch_normalization:
        return {"use_bias": False, **penalty}
    return {"activation": block.activation or spec.activation, **penalty}


def _normalized(x: Any, block: ConvolutionBlock | DenseBlock, spec: CnnSpec, name: str) -> Any:
    if not block.batch_normalization:
        return x
    x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.Activation(block.activation or spec.activation, name=f"{name}_activation")(x)


def _dropped(x: Any, block: ConvolutionBlock | DenseBlock, name: str) -> Any:
    return keras.layers.Dropout(block.dropout, name=f"{name}_dropout")(x) if block.dropout else x


def _penalty(spec: CnnSpec) -> Any:
    return keras.regularizers.L2(spec.l2) if spec.l2 else None
