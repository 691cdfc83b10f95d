"""Convolutional networks for images (LeCun et al., 1998) and for sequences, where they run along time.

Shapes: B rows, H height, W width, C channels, T steps, F features. Layers are those of
``models.cnn_outline``.
"""

from typing import Any

import keras

from models.cnn_backbone import features_of
from models.cnn_blocks import add_block, dropped, normalized
from models.forecasting import asked, is_forecast
from models.heads import answer, imputed, scaled_inputs
from models.penalties import penalty_of
from models.schema import InputSchema
from models.specs.cnn import CnnSpec
from models.specs.dense import DenseBlock
from models.statistics import Statistics


def build(spec: CnnSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``float32[B, H, W, C]`` or ``[B, T, F]`` to class probabilities or values.

    Of a forecast it takes all steps but the last one, and answers that one. Raises
    :class:`models.cnn_backbone.NoWeights`.
    """
    if is_forecast(source):
        source, statistics = asked(source), Statistics(statistics.inputs, statistics.inputs)
    name = "image" if source.kind == "images" else "sequence"
    rows = keras.Input(source.shape, name=name, dtype="float32")
    x = features_of(rows, spec, source) if spec.backbone else _convolved(rows, spec, source, statistics)
    for number, connected in enumerate(spec.dense, 1):
        x = _connect(x, connected, spec, f"dense_{number}")
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, name="dropout")(x)
    return keras.Model(rows, answer(x, source, statistics, penalty_of(spec)), name="cnn")


def _convolved(rows: Any, spec: CnnSpec, source: InputSchema, statistics: Statistics) -> Any:
    """Return what the blocks make of rows: ``[B, features]``."""
    x = _scale(rows, spec, source, statistics)
    for number, block in enumerate(spec.blocks, 1):
        x = add_block(x, block, spec, f"conv_{number}")
    match spec.global_pooling, source.kind:
        case "max", "images":
            pooling = keras.layers.GlobalMaxPooling2D(name="global_pool")
        case "max", _:
            pooling = keras.layers.GlobalMaxPooling1D(name="global_pool")
        case "average", "images":
            pooling = keras.layers.GlobalAveragePooling2D(name="global_pool")
        case "average", _:
            pooling = keras.layers.GlobalAveragePooling1D(name="global_pool")
        case _:
            pooling = keras.layers.Flatten(name="flatten")
    return pooling(x)


def _scale(x: Any, spec: CnnSpec, source: InputSchema, statistics: Statistics) -> Any:
    if source.kind == "sequences":
        return scaled_inputs(x, statistics.inputs) if spec.scaling == "unit" else imputed(x)
    if spec.scaling == "unit":
        factor = 1.0 / (source.high - source.low)
        x = keras.layers.Rescaling(factor, offset=-source.low * factor, name="scaling")(x)
    if spec.input_size is not None:
        # Bilinear without antialiasing is the one that ONNX computes alike.
        x = keras.layers.Resizing(*spec.input_size, interpolation="bilinear", name="resizing")(x)
    return x


def _connect(x: Any, block: DenseBlock, spec: CnnSpec, name: str) -> Any:
    activation = block.activation or spec.activation
    # Before a normalisation a layer needs neither a bias nor an activation of its own.
    own = {"use_bias": False} if block.batch_normalization else {"activation": activation}
    x = keras.layers.Dense(block.units, kernel_regularizer=penalty_of(spec), **own, name=name)(x)
    return dropped(normalized(x, block, activation, name), block, name)
