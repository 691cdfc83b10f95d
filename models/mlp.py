"""Multi-layer perceptrons (Rumelhart, Hinton and Williams, 1986) for vectors, tables and flattened images.

Shapes: B rows, F features. Layers are those of ``models.mlp_outline``.
"""

from typing import Any

import keras

from models.heads import answer, imputed, scaled_inputs
from models.mlp_outline import embedding_size, numbers_and_categories
from models.penalties import penalty_of
from models.schema import InputSchema
from models.specs.dense import DenseBlock
from models.specs.mlp import MlpSpec
from models.statistics import Scale, Statistics


def build(spec: MlpSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``float32[B, *source.shape]`` to class probabilities or values."""
    rows = keras.Input(source.shape, name="rows", dtype="float32")
    x = _table(rows, spec, source, statistics) if source.columns else _plain(rows, spec, source, statistics)
    for number, block in enumerate(spec.dense, 1):
        x = _connect(x, block, spec, f"dense_{number}")  # [B, units]
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, name="dropout")(x)
    return keras.Model(rows, answer(x, source, statistics, penalty_of(spec)), name="mlp")


def _plain(rows: Any, spec: MlpSpec, source: InputSchema, statistics: Statistics) -> Any:
    x = rows
    if spec.scaling == "standard" and source.kind == "images":
        factor = 1.0 / (source.high - source.low)
        x = keras.layers.Rescaling(factor, offset=-source.low * factor, name="scaling")(x)
    elif spec.scaling == "standard":
        x = scaled_inputs(x, statistics.inputs)
    elif source.kind == "vectors":
        x = imputed(x)
    return keras.layers.Flatten(name="flatten")(x) if len(source.shape) > 1 else x


def _table(rows: Any, spec: MlpSpec, source: InputSchema, statistics: Statistics) -> Any:
    numbers, categories = numbers_and_categories(source)
    parts = []
    if numbers:
        x = keras.ops.take(rows, numbers, axis=1)  # [B, numbers]
        x = scaled_inputs(x, _of(numbers, statistics.inputs)) if spec.scaling == "standard" else imputed(x)
        parts.append(x)
    for place in categories:
        column = source.columns[place]
        ids = keras.ops.cast(rows[:, place], "int32")  # [B]
        if spec.categories == "one_hot":
            layer = keras.layers.CategoryEncoding(
                column.ids, output_mode="one_hot", name=f"one_hot_{place + 1}"
            )
        else:
            size = embedding_size(spec, column)
            layer = keras.layers.Embedding(column.ids, size, name=f"embedding_{place + 1}")
        parts.append(layer(ids))
    if len(parts) == 1:
        return keras.layers.Identity(name="features")(parts[0])
    return keras.layers.Concatenate(name="features")(parts)


def _of(places: list[int], scale: Scale) -> Scale:
    """Return the scale of some of the features."""
    return Scale(
        tuple(scale.means[place] for place in places), tuple(scale.deviations[place] for place in places)
    )


def _connect(x: Any, block: DenseBlock, spec: MlpSpec, name: str) -> Any:
    activation = block.activation or spec.activation
    # Before a normalisation a layer needs neither a bias nor an activation of its own.
    own = {"use_bias": False} if block.batch_normalization else {"activation": activation}
    x = keras.layers.Dense(block.units, kernel_regularizer=penalty_of(spec), **own, name=name)(x)
    if block.batch_normalization:
        x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
        x = keras.layers.Activation(activation, name=f"{name}_activation")(x)
    return keras.layers.Dropout(block.dropout, name=f"{name}_dropout")(x) if block.dropout else x
