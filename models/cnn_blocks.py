"""The blocks of convolutional networks: plain, separable and residual, along one axis or two.

Separable convolutions after Chollet (2017), residual blocks after He et al. (2016), batch normalisation after
Ioffe and Szegedy (2015). Shapes: B rows, then ``[H, W, C]`` or ``[T, C]``.
"""

from typing import Any

import keras

from models.penalties import penalty_of
from models.specs.activations import Activation
from models.specs.cnn import CnnSpec, ConvolutionBlock
from models.specs.dense import DenseBlock

_CONVOLUTIONS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D}
_SEPARABLE = {1: keras.layers.SeparableConv1D, 2: keras.layers.SeparableConv2D}
_POOLINGS = {
    ("max", 1): keras.layers.MaxPooling1D,
    ("max", 2): keras.layers.MaxPooling2D,
    ("average", 1): keras.layers.AveragePooling1D,
    ("average", 2): keras.layers.AveragePooling2D,
}


def add_block(x: Any, block: ConvolutionBlock, spec: CnnSpec, name: str) -> Any:
    """Return what a block makes of ``x``."""
    activation = block.activation or spec.activation
    if block.residual:
        x = _residual(x, block, spec, name)
    else:
        x = _convolution(x, block, spec, name, stride=block.stride, activation=activation)
    if block.pooling != "none":
        x = _POOLINGS[block.pooling, _axes(x)](block.pool_size, name=f"{name}_pool")(x)
    return dropped(x, block, name)


def normalized(x: Any, block: ConvolutionBlock | DenseBlock, activation: Activation | None, name: str) -> Any:
    """Return ``x`` normalised over the batch and then activated, of a block that asks for it."""
    if not block.batch_normalization:
        return x
    x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    if activation is None:
        return x
    return keras.layers.Activation(activation, name=f"{name}_activation")(x)


def dropped(x: Any, block: ConvolutionBlock | DenseBlock, name: str) -> Any:
    """Return ``x`` with dropout, of a block that asks for it."""
    return keras.layers.Dropout(block.dropout, name=f"{name}_dropout")(x) if block.dropout else x


def _axes(x: Any) -> int:
    return len(x.shape) - 2


def _convolution(
    x: Any, block: ConvolutionBlock, spec: CnnSpec, name: str, *, stride: int, activation: Activation | None
) -> Any:
    # Before a normalisation a layer needs neither a bias nor an activation of its own.
    own: dict[str, Any] = {"use_bias": False} if block.batch_normalization else {"activation": activation}
    penalty = penalty_of(spec)
    if block.separable:
        kind = _SEPARABLE[_axes(x)]
        own |= {"depthwise_regularizer": penalty, "pointwise_regularizer": penalty}
    else:
        kind = _CONVOLUTIONS[_axes(x)]
        own |= {"kernel_regularizer": penalty}
    layer = kind(block.filters, block.kernel, strides=stride, padding=block.padding, **own, name=name)
    return normalized(layer(x), block, activation, name)


def _residual(x: Any, block: ConvolutionBlock, spec: CnnSpec, name: str) -> Any:
    """Return ``activation(F(x) + x)``, F being two convolutions; x is projected where its shape differs."""
    activation = block.activation or spec.activation
    inner = _convolution(x, block, spec, f"{name}_1", stride=block.stride, activation=activation)
    inner = _convolution(inner, block, spec, f"{name}_2", stride=1, activation=None)
    if inner.shape != x.shape:
        shortcut = _CONVOLUTIONS[_axes(x)](
            block.filters,
            1,
            strides=block.stride,
            use_bias=not block.batch_normalization,
            kernel_regularizer=penalty_of(spec),
            name=f"{name}_shortcut",
        )
        x = normalized(shortcut(x), block, None, f"{name}_shortcut")
    x = keras.layers.Add(name=f"{name}_add")([inner, x])
    return keras.layers.Activation(activation, name=f"{name}_activation")(x)
