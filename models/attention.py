"""Networks with attention over the steps of sequences and texts; they answer its weights too.

Gated attention as introductory texts print it: steps times the softmax over time of v · tanh(W · step). It
is mended in three places. There is one weight for a step, where printed code has as many as the step has
numbers, or multiplies what has different shapes; padding has no weight; and the weights are multiplied by
the number of steps, unless the spec says otherwise: those of T steps are about 1/T, so that a recurrent
layer behind them is given next to nothing.

Self-attention with several heads and the encoder made of it after Vaswani et al., 2017. Shapes: B rows, T
steps, F numbers of a step, H heads. Layers are those of ``models.attention_outline``.
"""

from typing import Any

import keras

from models.attention_outline import head_size
from models.forecasting import asked, is_forecast
from models.heads import answer
from models.penalties import penalty_of
from models.schema import InputSchema
from models.sequences import (
    Steps,
    connect,
    counted,
    masked_softmax,
    places_of,
    pool,
    recur,
    steps_of,
)
from models.specs.attention import AttentionSpec, GatedAttention, SelfAttention
from models.statistics import Statistics


def build(spec: AttentionSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``[B, *source.shape]`` to class probabilities or values, and to weights.

    The weights are those of the last layer of attention: ``[B, T]``, or ``[B, H, T, T]``, from a step to
    what it looks at; 0 for padding. Of a forecast the network takes all steps but the last one.
    """
    if is_forecast(source):
        source, statistics = asked(source), Statistics(statistics.inputs, statistics.inputs)
    rows = keras.Input(source.shape, name="rows", dtype="int32" if source.kind == "text" else "float32")
    steps, penalty = _wide(steps_of(rows, spec, source, statistics), spec, source), penalty_of(spec)
    for number, layer in enumerate(spec.attention, 1):
        name = f"attention_{number}"
        if isinstance(layer, GatedAttention):
            x, weights = _gated(steps, layer, name)
        else:
            x, weights = _self(steps, layer, name)
        steps = Steps(x, steps.mask)
    features = _features(steps, spec, penalty)  # [B, F]
    x = connect(features, spec.dense, spec, penalty)
    attention = keras.layers.Identity(name="attention")(weights)
    return keras.Model(rows, [answer(x, source, statistics, penalty), attention], name="attention")


def _wide(steps: Steps, spec: AttentionSpec, source: InputSchema) -> Steps:
    """Return steps of the width ``embedding_size``, that tell their places if they are to."""
    x = steps.x
    if source.kind != "text":
        x = keras.layers.Dense(spec.embedding_size, name="projection")(x)
    if spec.positions:
        places = places_of(x[..., 0]) - 1
        x = x + keras.layers.Embedding(x.shape[1], spec.embedding_size, name="positions")(places)
    return Steps(x, steps.mask)


def _gated(steps: Steps, layer: GatedAttention, name: str) -> tuple[Any, Any]:
    hidden = keras.layers.Dense(layer.units, activation="tanh", name=f"{name}_hidden")(steps.x)
    scores = keras.layers.Dense(1, use_bias=False, name=f"{name}_scores")(hidden)  # [B, T, 1]
    weights = masked_softmax(scores[..., 0], steps.mask)  # [B, T]
    gates = weights * counted(steps) if layer.rescaled else weights
    return steps.x * gates[..., None], weights


def _self(steps: Steps, layer: SelfAttention, name: str) -> tuple[Any, Any]:
    x, mask = steps
    width, size = x.shape[-1], head_size(layer, x.shape[-1])

    def heads(what: str) -> Any:
        found = keras.layers.Dense(layer.heads * size, name=f"{name}_{what}")(x)
        split = keras.ops.reshape(found, (-1, x.shape[1], layer.heads, size))
        return keras.ops.transpose(split, (0, 2, 1, 3))  # [B, H, T, size]

    queries, keys, values = map(heads, ("queries", "keys", "values"))
    scores = keras.ops.matmul(queries, keras.ops.transpose(keys, (0, 1, 3, 2))) * size**-0.5
    weights = masked_softmax(scores, None if mask is None else mask[:, None, None])  # [B, H, T, T]
    seen = keras.ops.matmul(_dropped(weights, layer, f"{name}_weights_dropout"), values)
    seen = keras.ops.reshape(keras.ops.transpose(seen, (0, 2, 1, 3)), (-1, x.shape[1], layer.heads * size))
    seen = keras.layers.Dense(width, name=name)(seen)
    if mask is not None:
        # What padding looks at means nothing.
        weights = weights * keras.ops.cast(mask[:, None, :, None], "float32")
    x = _added(x, _dropped(seen, layer, f"{name}_dropout"), layer, f"{name}_norm")
    if layer.feed_forward:
        inner = keras.layers.Dense(layer.feed_forward, activation="relu", name=f"{name}_inner")(x)
        outer = keras.layers.Dense(width, name=f"{name}_outer")(inner)
        outer = _dropped(outer, layer, f"{name}_outer_dropout")
        x = _added(x, outer, layer, f"{name}_outer_norm")
    return x, weights


def _dropped(x: Any, layer: SelfAttention, name: str) -> Any:
    return keras.layers.Dropout(layer.dropout, name=name)(x) if layer.dropout else x


def _added(x: Any, found: Any, layer: SelfAttention, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)(x + found) if layer.residual else found


def _features(steps: Steps, spec: AttentionSpec, penalty: Any) -> Any:
    if not spec.recurrent:
        return pool(steps, spec.pooling)
    keep_steps = spec.pooling != "last"
    x = recur(steps, spec.recurrent, spec.cell, penalty, keep_steps=keep_steps)
    return pool(Steps(x, steps.mask), spec.pooling) if keep_steps else x
