"""From the spec of one layer of a stack to the layer: a closed list, never a configuration of Keras."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from models.schema import InputSchema
from models.specs.layers.convolutions import Convolution, DepthwiseConvolution, SeparableConvolution
from models.specs.layers.dense import (
    Activated,
    Dense,
    Embedding,
    Flatten,
    LeakyRelu,
    Permute,
    Prelu,
    RepeatVector,
    Rescaling,
    Reshape,
    Softmax,
)
from models.specs.layers.layer import Layer
from models.specs.layers.merging import Concatenate, Elementwise
from models.specs.layers.normalization import (
    BatchNormalization,
    Dropout,
    GaussianNoise,
    GroupNormalization,
    LayerNormalization,
    SpatialDropout,
)
from models.specs.layers.pooling import GlobalPooling, Pooling
from models.specs.layers.recurrent import MultiHeadAttention, Recurrent
from models.specs.layers.resampling import Cropping, Resizing, UpSampling, ZeroPadding
from models.specs.layers.spec import AnyLayer

_OF_TYPES = {
    "conv1d": keras.layers.Conv1D,
    "conv2d": keras.layers.Conv2D,
    "separable_conv1d": keras.layers.SeparableConv1D,
    "separable_conv2d": keras.layers.SeparableConv2D,
    "depthwise_conv1d": keras.layers.DepthwiseConv1D,
    "depthwise_conv2d": keras.layers.DepthwiseConv2D,
    "max_pooling1d": keras.layers.MaxPooling1D,
    "max_pooling2d": keras.layers.MaxPooling2D,
    "average_pooling1d": keras.layers.AveragePooling1D,
    "average_pooling2d": keras.layers.AveragePooling2D,
    "global_max_pooling1d": keras.layers.GlobalMaxPooling1D,
    "global_max_pooling2d": keras.layers.GlobalMaxPooling2D,
    "global_average_pooling1d": keras.layers.GlobalAveragePooling1D,
    "global_average_pooling2d": keras.layers.GlobalAveragePooling2D,
    "spatial_dropout1d": keras.layers.SpatialDropout1D,
    "spatial_dropout2d": keras.layers.SpatialDropout2D,
    "zero_padding1d": keras.layers.ZeroPadding1D,
    "zero_padding2d": keras.layers.ZeroPadding2D,
    "cropping1d": keras.layers.Cropping1D,
    "cropping2d": keras.layers.Cropping2D,
    "up_sampling1d": keras.layers.UpSampling1D,
    "up_sampling2d": keras.layers.UpSampling2D,
    "simple_rnn": keras.layers.SimpleRNN,
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "add": keras.layers.Add,
    "multiply": keras.layers.Multiply,
    "average": keras.layers.Average,
    "maximum": keras.layers.Maximum,
}


def made(layer: AnyLayer, name: str, axes: int, source: InputSchema, penalty: Any) -> keras.Layer:
    """Return the layer of a spec, called ``name``, for rows of so many axes.

    ``penalty`` is one on its kernels, if there is one.
    """
    if isinstance(layer, Embedding):
        return keras.layers.Embedding(source.vocabulary, layer.size, name=name)
    if isinstance(layer, Prelu):
        return keras.layers.PReLU(shared_axes=list(range(1, axes)) or None, name=name)
    if isinstance(layer, Recurrent):
        return _recurrent(layer, name, penalty)
    kind, arguments = _ARGUMENTS[type(layer)](layer)
    if isinstance(layer, Dense | Convolution):
        arguments["kernel_regularizer"] = penalty
    if isinstance(layer, SeparableConvolution | DepthwiseConvolution):
        arguments["depthwise_regularizer"] = penalty
    if isinstance(layer, SeparableConvolution):
        arguments["pointwise_regularizer"] = penalty
    return kind(**arguments, name=name)


Built = tuple[Any, dict[str, Any]]


def _recurrent(layer: Recurrent, name: str, penalty: Any) -> keras.Layer:
    recurrent = _OF_TYPES[layer.type](
        layer.units,
        return_sequences=layer.sequences,
        # Served graphs answer 0 for padding; what comes after the last step is kept, not padded.
        zero_output_for_mask=layer.sequences,
        dropout=layer.dropout,
        recurrent_dropout=layer.recurrent_dropout,
        kernel_regularizer=penalty,
        name=name,
    )
    return keras.layers.Bidirectional(recurrent, name=name) if layer.bidirectional else recurrent


def _plain(kind: Any) -> Callable[[Any], Built]:
    """A layer that takes no arguments."""
    return lambda _: (kind, {})


def _of_type(layer: Any) -> Built:
    return _OF_TYPES[layer.type], {}


def _dense(layer: Dense) -> Built:
    return keras.layers.Dense, {
        "units": layer.units,
        "activation": layer.activation,
        "use_bias": layer.bias,
    }


def _kernel(layer: Convolution | SeparableConvolution | DepthwiseConvolution) -> dict[str, Any]:
    return {
        "kernel_size": layer.window(),
        "strides": layer.stride,
        "padding": layer.padding,
        "activation": layer.activation,
        "use_bias": layer.bias,
    }


def _convolution(layer: Convolution) -> Built:
    own = {"filters": layer.filters, "dilation_rate": layer.dilation}
    return _OF_TYPES[layer.type], _kernel(layer) | own


def _separable(layer: SeparableConvolution) -> Built:
    own = {"filters": layer.filters, "depth_multiplier": layer.multiplier}
    return _OF_TYPES[layer.type], _kernel(layer) | own


def _depthwise(layer: DepthwiseConvolution) -> Built:
    return _OF_TYPES[layer.type], _kernel(layer) | {"depth_multiplier": layer.multiplier}


def _pooling(layer: Pooling) -> Built:
    arguments = {"pool_size": layer.window(), "strides": layer.stride, "padding": layer.padding}
    return _OF_TYPES[layer.type], arguments


def _sides(layer: Cropping | UpSampling | ZeroPadding) -> int | tuple[int, ...]:
    sides = layer.sides()
    return sides[0] if layer.axes == 1 else sides


def _attention(layer: MultiHeadAttention) -> Built:
    return keras.layers.MultiHeadAttention, {
        "num_heads": layer.heads,
        "key_dim": layer.head_size,
        "dropout": layer.dropout,
    }


_ARGUMENTS: Mapping[type[Layer], Callable[[Any], Built]] = {
    Activated: lambda layer: (keras.layers.Activation, {"activation": layer.activation}),
    BatchNormalization: lambda layer: (keras.layers.BatchNormalization, {"momentum": layer.momentum}),
    Concatenate: lambda layer: (keras.layers.Concatenate, {"axis": layer.axis or -1}),
    Convolution: _convolution,
    Cropping: lambda layer: (_OF_TYPES[layer.type], {"cropping": _sides(layer)}),
    Dense: _dense,
    DepthwiseConvolution: _depthwise,
    Dropout: lambda layer: (keras.layers.Dropout, {"rate": layer.rate}),
    Elementwise: _of_type,
    Flatten: _plain(keras.layers.Flatten),
    GaussianNoise: lambda layer: (keras.layers.GaussianNoise, {"stddev": layer.deviation}),
    GlobalPooling: _of_type,
    GroupNormalization: lambda layer: (keras.layers.GroupNormalization, {"groups": layer.groups}),
    LayerNormalization: _plain(keras.layers.LayerNormalization),
    LeakyRelu: lambda layer: (keras.layers.LeakyReLU, {"negative_slope": layer.slope}),
    MultiHeadAttention: _attention,
    Permute: lambda layer: (keras.layers.Permute, {"dims": layer.order}),
    Pooling: _pooling,
    RepeatVector: lambda layer: (keras.layers.RepeatVector, {"n": layer.times}),
    Rescaling: lambda layer: (keras.layers.Rescaling, {"scale": layer.scale, "offset": layer.offset}),
    Reshape: lambda layer: (keras.layers.Reshape, {"target_shape": layer.shape}),
    Resizing: lambda layer: (keras.layers.Resizing, {"height": layer.height, "width": layer.width}),
    SeparableConvolution: _separable,
    Softmax: _plain(keras.layers.Softmax),
    SpatialDropout: lambda layer: (_OF_TYPES[layer.type], {"rate": layer.rate}),
    UpSampling: lambda layer: (_OF_TYPES[layer.type], {"size": _sides(layer)}),
    ZeroPadding: lambda layer: (_OF_TYPES[layer.type], {"padding": _sides(layer)}),
}
