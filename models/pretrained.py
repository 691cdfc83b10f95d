"""What a network takes over from one that was trained before, and which of its layers stay as they are."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import keras
import numpy as np

from models.registry import build
from models.schema import InputSchema
from models.specs.network import NetworkSpec

Weights = Mapping[str, list[np.ndarray]]
"""The weights of each layer that has any, by the layer's name."""


class TakenOver(NamedTuple):
    """The layers that got weights from before, and those that keep their own, at random as yet."""

    taken: tuple[str, ...]
    fresh: tuple[str, ...]


def read_weights(spec: NetworkSpec, source: InputSchema, file: Path) -> dict[str, list[np.ndarray]]:
    """Return the weights of a network of this spec, trained on such rows, from its ``network.keras``.

    The network is built from the spec; of the file only the weights are read.
    """
    network = build(spec, source, seed=0)
    with TemporaryDirectory() as folder:
        # Keras goes by the name of a file, and files in a store have none.
        named = Path(folder) / "network.keras"
        named.symlink_to(file.absolute())
        network.load_weights(named)
    return {name: layer.get_weights() for name, layer in weighted_layers(network)}


def take_over(network: keras.Model, weights: Weights) -> TakenOver:
    """Give each layer the weights of the one of the same name, where all their shapes are the same."""
    taken, fresh = [], []
    for name, layer in weighted_layers(network):
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if shapes == [weight.shape for weight in weights.get(name, [])]:
            layer.set_weights(weights[name])
            taken.append(name)
        else:
            fresh.append(name)
    return TakenOver(tuple(taken), tuple(fresh))


def freeze(network: keras.Model, prefixes: Sequence[str]) -> None:
    """Keep the weights of all layers as they are whose names begin with one of these."""
    for layer in network.layers:
        if layer.name.startswith(tuple(prefixes)):
            layer.trainable = False
        elif isinstance(layer, keras.Model):
            freeze(layer, prefixes)


def weighted_layers(network: keras.Model) -> Iterator[tuple[str, keras.Layer]]:
    """Yield name and layer of all that have weights, also inside of networks that are layers."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from weighted_layers(layer)
        elif layer.weights:
            yield layer.name, layer
