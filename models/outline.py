"""What is known of a network without building it: layers, shapes, parameters, memory. Keras-free."""

from itertools import pairwise
from math import prod
from typing import assert_never

from pydantic import Field

from models import (
    attention_outline,
    autoencoder_outline,
    cnn_outline,
    gan_outline,
    mlp_outline,
    rnn_outline,
    stack_outline,
    text_generator_outline,
)
from models.layers import LayerOutline
from models.schema import Frozen, InputSchema
from models.specs.attention import AttentionSpec
from models.specs.autoencoder import AutoencoderSpec
from models.specs.cnn import CnnSpec
from models.specs.gan import GanSpec
from models.specs.layers.spec import LayersSpec
from models.specs.mlp import MlpSpec
from models.specs.network import NetworkSpec
from models.specs.rnn import RnnSpec
from models.specs.text_generator import TextGeneratorSpec

FLOAT_BYTES = 4
# The weights, their gradient, two averages of the optimizer, and the best weights so far.
COPIES_IN_TRAINING = 5
# Each layer's output is kept for the way back, where it meets a gradient of its own size.
COPIES_OF_OUTPUTS = 2
MUCH_MEMORY = 4 * 2**30
LARGE_LAYER = 5_000_000


class Memory(Frozen):
    """Estimates in bytes: ``training`` of one step, ``serving`` of one row; both without the libraries."""

    training: int
    serving: int


class Outline(Frozen):
    """A network, as far as arithmetic goes."""

    layers: list[LayerOutline]
    parameters: int = Field(description="All weights, trainable or not.")
    memory: Memory
    warnings: list[str]


def outline(network: NetworkSpec, source: InputSchema, batch_size: int) -> Outline:
    """Return layers, parameters and memory of the network that ``models.registry.build`` would build.

    Raises ``SpecError`` where the network cannot be built for ``source``.
    """
    layers = _layers(network, source)
    parameters = sum(layer.parameters for layer in layers)
    sizes = [prod(layer.shape) + layer.inside for layer in layers]
    widest_pair = max(before + after for before, after in pairwise(sizes))
    memory = Memory(
        training=FLOAT_BYTES
        * (COPIES_IN_TRAINING * parameters + COPIES_OF_OUTPUTS * batch_size * sum(sizes)),
        serving=FLOAT_BYTES * (parameters + widest_pair),
    )
    return Outline(layers=layers, parameters=parameters, memory=memory, warnings=_warnings(layers, memory))


def _layers(network: NetworkSpec, source: InputSchema) -> list[LayerOutline]:
    match network:
        case CnnSpec():
            return cnn_outline.layers(network, source)
        case MlpSpec():
            return mlp_outline.layers(network, source)
        case RnnSpec():
            return rnn_outline.layers(network, source)
        case AttentionSpec():
            return attention_outline.layers(network, source)
        case AutoencoderSpec():
            return autoencoder_outline.layers(network, source)
        case GanSpec():
            return gan_outline.layers(network, source)
        case TextGeneratorSpec():
            return text_generator_outline.layers(network, source)
        case LayersSpec():
            return stack_outline.layers(network, source)
        case _:
            assert_never(network)


def _warnings(layers: list[LayerOutline], memory: Memory) -> list[str]:
    found = []
    largest = max(layers, key=lambda layer: layer.parameters)
    total = sum(layer.parameters for layer in layers)
    if largest.parameters > max(LARGE_LAYER, 0.9 * total):
        found.append(
            f"{largest.name} holds {largest.parameters:,} of {total:,} parameters: "
            "more pooling or a global pooling before it makes the network smaller."
        )
    if memory.training > MUCH_MEMORY:
        found.append(
            f"One training step needs about {memory.training / 2**30:.1f} GiB: "
            "a smaller batch_size or input_size needs less."
        )
    return found
