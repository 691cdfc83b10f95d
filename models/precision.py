"""Mixed precision: while training, large layers calculate with bfloat16 and keep their weights in float32.

As Micikevicius et al. (2018), with bfloat16, whose range is that of float32, so that no loss needs scaling
(Kalamkar et al., 2019). What is kept and served is the same network with every calculation in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from models.specs.cnn import CnnSpec
from models.specs.network import NetworkSpec
from models.specs.training import TrainingSpec

MIXED, EXACT = "mixed_bfloat16", "float32"
# From Ampere on, GPUs have units for bfloat16.
_LEAST_CAPABILITY = (8, 0)
_LAYERS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.RNN,
    keras.layers.Bidirectional,
    keras.layers.SimpleRNNCell,
    keras.layers.LSTMCell,
    keras.layers.GRUCell,
    keras.layers.MultiHeadAttention,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Activation,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.Dropout,
    keras.layers.Flatten,
)
# What the loss is made of has all its digits: answers, codes and their distribution.
_ANSWERS = frozenset(
    {"probabilities", "scaled_values", "logits", "codes", "mean", "log_variance", "output", "score"}
)


def uses_mixed_precision(spec: NetworkSpec, training: TrainingSpec) -> bool:
    """Return whether to train in mixed precision: a fixed rule, since it changes the bits.

    ``auto`` does so for convolutions on GPUs that have the units; CPUs are slower with it.
    """
    if training.mixed_precision != "auto":
        return training.mixed_precision == "on"
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    able = all(each.get("compute_capability", (0, 0)) >= _LEAST_CAPABILITY for each in details)
    return bool(gpus) and able and isinstance(spec, CnnSpec)


@contextmanager
def mixed_precision(network: keras.Model) -> Iterator[None]:
    """Let a network calculate in mixed precision; afterwards it is exact again, with the same weights."""
    layers = [layer for layer in network._flatten_layers() if _may_be_mixed(layer)]
    for layer in layers:
        layer.dtype_policy = MIXED
    try:
        yield
    finally:
        for layer in layers:
            layer.dtype_policy = EXACT


def _may_be_mixed(layer: keras.Layer) -> bool:
    return isinstance(layer, _LAYERS) and layer.name not in _ANSWERS
