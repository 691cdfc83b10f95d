"""How many threads a training uses: a fixed rule, since another number changes the bits. Keras-free."""

from math import prod
from typing import NamedTuple

from models.outline import outline
from models.schema import InputSchema
from models.specs.attention import AttentionSpec
from models.specs.layers.recurrent import Recurrent
from models.specs.layers.spec import LayersSpec
from models.specs.network import NetworkSpec
from models.specs.rnn import RnnSpec
from models.specs.text_generator import TextGeneratorSpec

# Below so many multiplications in a step, to split an operation costs more than it saves: on two cores a
# small CNN trained 1.5 times as fast with one thread for each operation. What XLA has compiled is worth it
# sooner: a dense network of 109,386 weights trained 1.2 times as fast with two.
WORTH_SPLITTING = 64_000_000
WORTH_SPLITTING_COMPILED = 4_000_000


class Threads(NamedTuple):
    """``within`` one operation; ``across`` operations that do not wait for each other."""

    within: int
    across: int


def threads_for(
    spec: NetworkSpec, source: InputSchema, batch_size: int, available: int, *, compiled: bool = False
) -> Threads:
    """Return the threads for training this network, ``compiled`` or not, on ``available`` cores."""
    if _walks(spec):
        # However much there is to multiply, it is done step by step, in operations too small to be split.
        return Threads(1, available)
    layers = outline(spec, source, batch_size).layers
    # Each weight is used once for each place of the output, its last axis being the channels.
    multiplications = batch_size * sum(layer.parameters * prod(layer.shape[:-1]) for layer in layers)
    enough = WORTH_SPLITTING_COMPILED if compiled else WORTH_SPLITTING
    return Threads(available if multiplications >= enough else 1, available)


def _walks(spec: NetworkSpec) -> bool:
    """Tell whether a network has recurrent layers."""
    match spec:
        case RnnSpec() | TextGeneratorSpec():
            return True
        case AttentionSpec():
            return bool(spec.recurrent)
        case LayersSpec():
            return any(isinstance(layer, Recurrent) for layer in spec.layers)
        case _:
            return False
