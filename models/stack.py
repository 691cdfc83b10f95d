"""Networks that a user puts together from a closed list of layers.

What is done to rows before the first layer, and to steps that padding is left out of, are networks inside the
network: so no operation of ours ever has a name that a user chose. Shapes: B rows, T steps.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from models.forecasting import asked, is_forecast
from models.heads import answer, imputed, scaled_inputs
from models.penalties import penalty_of
from models.schema import PADDING, InputSchema
from models.sequences import Steps, pool, until_last
from models.sequences_outline import is_padded
from models.specs.layers.layer import Merging
from models.specs.layers.pooling import GlobalPooling
from models.specs.layers.recurrent import MultiHeadAttention, Recurrent
from models.specs.layers.spec import AnyLayer, LayersSpec
from models.stack_layers import made
from models.stack_outline import INPUT, wiring
from models.statistics import Statistics


def build(spec: LayersSpec, source: InputSchema, statistics: Statistics) -> keras.Model:
    """Return a network from ``[B, *source.shape]`` to class probabilities or values.

    Of a forecast it takes all steps but the last one, and answers that one.
    """
    if is_forecast(source):
        source, statistics = asked(source), Statistics(statistics.inputs, statistics.inputs)
    rows = keras.Input(source.shape, name="rows", dtype="int32" if source.kind == "text" else "float32")
    penalty = penalty_of(spec)
    outcomes = {INPUT: Steps(_numbers(rows, spec, source, statistics), _mask(rows, source))}
    for _, name, layer, inputs in wiring(spec):
        outcomes[name] = _outcome(layer, name, [outcomes[each] for each in inputs], source, penalty)
    return keras.Model(rows, answer(outcomes[name].x, source, statistics, penalty), name="layers")


def _numbers(rows: Any, spec: LayersSpec, source: InputSchema, statistics: Statistics) -> Any:
    if source.kind == "text":
        return rows
    if source.kind == "images":
        if spec.scaling == "none":
            return rows
        factor = 1.0 / (source.high - source.low)
        return keras.layers.Rescaling(factor, offset=-source.low * factor, name="scaling")(rows)
    if spec.scaling == "none":
        return _inside(imputed, [rows], "imputed")
    return _inside(lambda x: scaled_inputs(x, statistics.inputs), [rows], "scaling")


def _mask(rows: Any, source: InputSchema) -> Any:
    """Return which steps count, ``bool[B, T]``; None: all of them."""
    if not is_padded(source):
        return None
    if source.kind == "text":
        return _inside(lambda ids: until_last(keras.ops.not_equal(ids, PADDING)), [rows], "mask")

    def present(x: Any) -> Any:
        return until_last(keras.ops.any(keras.ops.logical_not(keras.ops.isnan(x)), axis=-1))

    return _inside(present, [rows], "mask")


def _outcome(layer: AnyLayer, name: str, given: Sequence[Steps], source: InputSchema, penalty: Any) -> Steps:
    x, mask = given[0]
    built = made(layer, name, len(x.shape) - 1, source, penalty)
    match layer:
        case Merging():
            outcome = built([each.x for each in given])
            # Branches of one input have one mask; one that was lost on the way is lost.
            mask = mask if all(each.mask is mask for each in given) else None
        case GlobalPooling() if mask is not None:
            how = "max" if "max" in layer.type else "average"
            outcome = _inside(lambda x, mask: pool(Steps(x, mask), how), [x, mask], name)
        case Recurrent() if mask is not None:
            outcome = _inside(lambda x, mask: _recurred(built, x, mask), [x, mask], name)
        case MultiHeadAttention() if mask is not None:
            outcome = _inside(lambda x, mask: built(x, x, attention_mask=mask[:, None, :]), [x, mask], name)
        case MultiHeadAttention():
            outcome = built(x, x)
        case _:
            outcome = built(x)
    return Steps(outcome, mask if layer.keeps_steps else None)


def _recurred(layer: keras.Layer, x: Any, mask: Any) -> Any:
    found = layer(x, mask=mask)
    if len(found.shape) < len(x.shape):
        return found
    # The layer answers 0 for padding already. But it also pins the mask to its answer, where layers that
    # come after would take it up unasked; what an operation gives is free of it.
    return keras.ops.where(keras.ops.expand_dims(mask, -1), found, 0.0)


def _inside(function: Callable[..., Any], tensors: Sequence[Any], name: str) -> Any:
    """Return what a function makes of tensors, as one layer that has all its operations inside."""
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in tensors]
    return keras.Model(inputs, function(*inputs), name=name)(list(tensors))
