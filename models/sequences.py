"""The parts of networks that walk along time: how rows become steps, and what becomes of the steps.

Shapes: B rows, T steps, F numbers of a step. Layers are those of ``models.sequences_outline``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras

from models.heads import imputed, scaled_inputs
from models.schema import PADDING, InputSchema
from models.sequences_outline import SequenceSpec, is_padded
from models.specs.dense import DenseBlock
from models.specs.recurrent import Cell, RecurrentLayer
from models.statistics import Statistics

_CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple": keras.layers.SimpleRNN}
# Softer than minus infinity, so that nothing becomes NaN.
_NEVER = -1e9


class Steps(NamedTuple):
    """Steps ``x``, ``float32[B, T, F]``, and which of them count, ``bool[B, T]``; None: all of them."""

    x: Any
    mask: Any


def steps_of(rows: Any, spec: SequenceSpec, source: InputSchema, statistics: Statistics) -> Steps:
    """Return the steps of texts, of sequences, and of images, whose rows of pixels they are."""
    if source.kind == "text":
        x = keras.layers.Embedding(source.vocabulary, spec.embedding_size, name="embedding")(rows)
        return Steps(x, until_last(keras.ops.not_equal(rows, PADDING)))
    x = rows
    if source.kind == "images":
        if spec.scaling == "standard":
            factor = 1.0 / (source.high - source.low)
            x = keras.layers.Rescaling(factor, offset=-source.low * factor, name="scaling")(x)
        height, width, channels = source.shape
        return Steps(keras.layers.Reshape((height, width * channels), name="steps")(x), None)
    # What is padding must be seen before missing numbers are filled in.
    is_number = keras.ops.logical_not(keras.ops.isnan(rows))
    mask = until_last(keras.ops.any(is_number, axis=-1)) if is_padded(source) else None
    if spec.scaling == "standard":
        return Steps(scaled_inputs(x, statistics.inputs), mask)
    return Steps(imputed(x), mask)


def places_of(present: Any) -> Any:
    """Return the number of each step, counted from 1, ``int32[B, T]``, for anything of that shape."""
    return keras.ops.cumsum(keras.ops.ones_like(present, dtype="int32"), axis=1)


def recur(
    steps: Steps, layers: Sequence[RecurrentLayer], cell: Cell, penalty: Any, *, keep_steps: bool
) -> Any:
    """Return what recurrent layers make of steps: ``[B, T, units]``, or ``[B, units]`` after the last."""
    x = steps.x
    for number, layer in enumerate(layers, 1):
        goes_on = keep_steps or number < len(layers)
        recurrent = _CELLS[cell](
            layer.units,
            return_sequences=goes_on,
            # Served graphs answer 0 for padding; what comes after the last step is kept, not padded.
            zero_output_for_mask=goes_on,
            dropout=layer.dropout,
            recurrent_dropout=layer.recurrent_dropout,
            kernel_regularizer=penalty,
            name=f"{cell}_{number}",
        )
        if layer.bidirectional:
            recurrent = keras.layers.Bidirectional(recurrent, name=f"{cell}_{number}")
        x = recurrent(x, mask=steps.mask)
    return x


def pool(steps: Steps, pooling: str) -> Any:
    """Return ``[B, F]``: the ``last`` step that counts, or the ``average``, ``max`` or ``sum`` of all."""
    x, mask = steps
    if mask is None:
        match pooling:
            case "last":
                return x[:, -1]
            case "average":
                return keras.ops.mean(x, axis=1)
            case "max":
                return keras.ops.max(x, axis=1)
        return keras.ops.sum(x, axis=1)
    if pooling == "max":
        return keras.ops.max(keras.ops.where(mask[..., None], x, _NEVER), axis=1)
    counts = keras.ops.cast(mask, "float32")  # [B, T]
    if pooling == "last":
        counts = counts - keras.ops.pad(counts[:, 1:], ((0, 0), (0, 1)))  # 1 where no other follows
    if pooling == "average":
        counts = counts / keras.ops.sum(counts, axis=1, keepdims=True)
    return keras.ops.sum(x * counts[..., None], axis=1)


def counted(steps: Steps) -> Any:
    """Return how many steps count: of each row, ``[B, 1]``, where some are padding, else one number."""
    if steps.mask is None:
        return float(steps.x.shape[1])
    return keras.ops.sum(keras.ops.cast(steps.mask, "float32"), axis=1, keepdims=True)


def masked_softmax(scores: Any, mask: Any) -> Any:
    """Return weights over the last axis, 0 for padding and with the sum 1; ``mask`` is as wide or 1."""
    if mask is not None:
        # What is added once is served sooner than a choice for each score, and leaves as little of padding.
        scores = scores + (keras.ops.cast(mask, "float32") - 1.0) * -_NEVER
    return keras.ops.softmax(scores, axis=-1)


def connect(x: Any, blocks: Sequence[DenseBlock], spec: SequenceSpec, penalty: Any) -> Any:
    """Return what the dense layers before the output make of ``[B, F]``."""
    for number, block in enumerate(blocks, 1):
        name, activation = f"dense_{number}", block.activation or spec.activation
        # Before a normalisation a layer needs neither a bias nor an activation of its own.
        own = {"use_bias": False} if block.batch_normalization else {"activation": activation}
        x = keras.layers.Dense(block.units, kernel_regularizer=penalty, **own, name=name)(x)
        if block.batch_normalization:
            x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
            x = keras.layers.Activation(activation, name=f"{name}_activation")(x)
        if block.dropout:
            x = keras.layers.Dropout(block.dropout, name=f"{name}_dropout")(x)
    return keras.layers.Dropout(spec.dropout, name="dropout")(x) if spec.dropout else x


def until_last(present: Any) -> Any:
    """Return which steps count: all up to the last present one, and the first even if nothing is present.

    A step that is missing in between is one to be filled in, no padding; so padding is only ever at the end,
    where every kernel for recurrent layers wants it, and no row is empty.
    """
    places = places_of(present)
    length = keras.ops.max(places * keras.ops.cast(present, "int32"), axis=1, keepdims=True)
    return keras.ops.less_equal(places, keras.ops.maximum(length, 1))
