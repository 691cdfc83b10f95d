"""The layers of a network with attention by arithmetic. Keras-free.

Names and figures are those of the network that ``models.attention`` builds; Keras lists what stands side by
side in an order of its own.
"""

from models.forecasting import asked
from models.layers import LayerOutline, dense, head
from models.schema import InputSchema
from models.sequences_outline import connected, recurrent, steps
from models.specs.attention import AttentionSpec, GatedAttention, SelfAttention


def layers(spec: AttentionSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers, the input first; raises ``SpecError`` for rows of another kind."""
    source, width = asked(source), spec.embedding_size
    found = steps(spec, source)
    time, features = found[-1].shape
    if source.kind != "text":
        found.append(_along(time, dense("projection", features, width)))
    if spec.positions:
        found.append(LayerOutline(name="positions", shape=(time, width), parameters=time * width))
    for number, layer in enumerate(spec.attention, 1):
        name = f"attention_{number}"
        if isinstance(layer, GatedAttention):
            found += _gated(layer, name, time, width)
        else:
            found += _self(layer, name, time, width)
    keep_steps = spec.pooling != "last"
    above = recurrent(spec.recurrent, spec.cell, (time, width), keep_steps=keep_steps)
    found += above
    features = above[-1].shape[-1] if above else width
    above = connected(spec.dense, spec, features)
    found += above
    found += head(source, above[-1].shape[-1] if above else features)
    return [*found, LayerOutline(name="attention", shape=_weights(spec, time), parameters=0)]


def head_size(layer: SelfAttention, width: int) -> int:
    """Return how many numbers each head has of steps of this width."""
    return layer.head_size or max(1, width // layer.heads)


def _weights(spec: AttentionSpec, time: int) -> tuple[int, ...]:
    last = spec.attention[-1]
    return (time,) if isinstance(last, GatedAttention) else (last.heads, time, time)


def _gated(layer: GatedAttention, name: str, time: int, width: int) -> list[LayerOutline]:
    return [
        _along(time, dense(f"{name}_hidden", width, layer.units)),
        _along(time, dense(f"{name}_scores", layer.units, 1, bias=False)),
    ]


def _self(layer: SelfAttention, name: str, time: int, width: int) -> list[LayerOutline]:
    within, shape = layer.heads * head_size(layer, width), (time, width)
    found = [_along(time, dense(f"{name}_{what}", width, within)) for what in ("queries", "keys", "values")]
    if layer.dropout:
        weights = (layer.heads, time, time)
        found.append(LayerOutline(name=f"{name}_weights_dropout", shape=weights, parameters=0))
    found.append(_along(time, dense(name, within, width)))
    found += _added(layer, name, shape)
    if layer.feed_forward:
        found.append(_along(time, dense(f"{name}_inner", width, layer.feed_forward)))
        found.append(_along(time, dense(f"{name}_outer", layer.feed_forward, width)))
        found += _added(layer, f"{name}_outer", shape)
    return found


def _added(layer: SelfAttention, name: str, shape: tuple[int, int]) -> list[LayerOutline]:
    found = []
    if layer.dropout:
        found.append(LayerOutline(name=f"{name}_dropout", shape=shape, parameters=0))
    if layer.residual:
        found.append(LayerOutline(name=f"{name}_norm", shape=shape, parameters=2 * shape[1]))
    return found


def _along(time: int, layer: LayerOutline) -> LayerOutline:
    return layer.model_copy(update={"shape": (time, *layer.shape)})
