"""The layers that networks along time share, by arithmetic. Keras-free.

Names, order and figures are those of what ``models.sequences`` builds.
"""

from collections.abc import Sequence
from typing import TypeAlias

from models.layers import LayerOutline, Shape, dense, unsuitable
from models.schema import InputSchema
from models.specs.attention import AttentionSpec
from models.specs.dense import DenseBlock
from models.specs.problems import SpecError, SpecProblem
from models.specs.recurrent import Cell, RecurrentLayer
from models.specs.rnn import RnnSpec

SequenceSpec: TypeAlias = RnnSpec | AttentionSpec

_GATES = {"lstm": 4, "gru": 3, "simple": 1}
# A GRU has one bias for what comes in and one for its state.
_BIASES = {"lstm": 1, "gru": 2, "simple": 1}


def is_padded(source: InputSchema) -> bool:
    """Return whether rows may end in steps that are not there."""
    return source.kind == "text" or (source.kind == "sequences" and source.variable_length)


def steps(spec: SequenceSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers that make steps of rows, the input first; raises ``SpecError`` for other rows."""
    found = [LayerOutline(name="rows", shape=source.shape, parameters=0)]
    if source.kind == "text":
        if len(source.shape) != 1 or source.vocabulary is None:
            raise unsuitable(spec.family, "texts as rows of ids, [time]", source)
        size = spec.embedding_size
        shape = (*source.shape, size)
        return [*found, LayerOutline(name="embedding", shape=shape, parameters=source.vocabulary * size)]
    if (source.kind, len(source.shape)) not in (("sequences", 2), ("images", 3)):
        raise unsuitable(
            spec.family, "texts, sequences [time, features], and images [height, width, channels]", source
        )
    if spec.scaling == "standard":
        if source.kind == "images" and not source.high > source.low:
            message = "All pixels have the same value, so there is no range to be scaled."
            raise SpecError([SpecProblem("/network/scaling", "empty_range", message)])
        found.append(LayerOutline(name="scaling", shape=source.shape, parameters=0))
    if source.kind == "images":
        height, width, channels = source.shape
        found.append(LayerOutline(name="steps", shape=(height, width * channels), parameters=0))
    return found


def recurrent(
    layers: Sequence[RecurrentLayer], cell: Cell, shape: Shape, *, keep_steps: bool
) -> list[LayerOutline]:
    """Return recurrent layers above steps of this shape."""
    found = []
    time, features = shape
    for number, layer in enumerate(layers, 1):
        directions = 2 if layer.bidirectional else 1
        weights = _GATES[cell] * layer.units * (features + layer.units + _BIASES[cell])
        features = directions * layer.units
        shape = (time, features) if keep_steps or number < len(layers) else (features,)
        found.append(LayerOutline(name=f"{cell}_{number}", shape=shape, parameters=directions * weights))
    return found


def connected(blocks: Sequence[DenseBlock], spec: SequenceSpec, features: int) -> list[LayerOutline]:
    """Return the dense layers before the output, above so many numbers."""
    found = []
    for number, block in enumerate(blocks, 1):
        name, normalized = f"dense_{number}", block.batch_normalization
        found.append(dense(name, features, block.units, bias=not normalized))
        features, shape = block.units, (block.units,)
        if normalized:
            found.append(LayerOutline(name=f"{name}_norm", shape=shape, parameters=4 * block.units))
            found.append(LayerOutline(name=f"{name}_activation", shape=shape, parameters=0))
        if block.dropout:
            found.append(LayerOutline(name=f"{name}_dropout", shape=shape, parameters=0))
    if spec.dropout:
        found.append(LayerOutline(name="dropout", shape=(features,), parameters=0))
    return found
