from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.outline import outline
from models.presets import Resolved, resolve
from models.pretrained import freeze, read_weights, take_over, weighted_layers
from models.registry import build
from models.schema import Column, InputSchema

IMAGES = InputSchema(shape=(8, 8, 1), classes=3)
TEXT = InputSchema(kind="text", shape=(6,), dtype="int32", vocabulary=9, classes=2)
TABLE = InputSchema(
    kind="table",
    shape=(2,),
    classes=2,
    columns=(Column(name="a", kind="number"), Column(name="b", kind="category", categories=("x", "y"))),
)
STACK = [
    {"type": "conv2d", "filters": 3, "kernel": 3},
    {"type": "batch_normalization"},
    {"type": "flatten"},
    {"type": "dense", "units": 4, "name": "features"},
]
NETWORKS: list[tuple[dict[str, Any], InputSchema]] = [
    ({"family": "cnn", "blocks": [{"filters": 2, "batch_normalization": True}], "dense": [3]}, IMAGES),
    ({"family": "mlp", "dense": [4]}, TABLE),
    ({"family": "rnn", "layers": [{"units": 3, "bidirectional": True}, 2], "cell": "gru"}, TEXT),
    ({"preset": "transformer-mini"}, TEXT),
    ({"family": "autoencoder", "dense": [5], "latent": 2, "variational": True}, IMAGES),
    ({"family": "gan", "generator": [4], "discriminator": [4], "conditional": True}, IMAGES),
    ({"family": "text_generator", "units": [4]}, TEXT),
    ({"family": "layers", "layers": STACK}, IMAGES),
]
IDS = [network.get("family", network.get("preset")) for network, _ in NETWORKS]


def made(network: dict[str, Any], source: InputSchema, seed: int = 1) -> tuple[Resolved, keras.Model]:
    specs = resolve(network, None, source)
    return specs, build(specs.network, source, seed=seed)


def weights_of(network: keras.Model) -> dict[str, list[np.ndarray]]:
    return {name: layer.get_weights() for name, layer in weighted_layers(network)}


@pytest.mark.parametrize(("network", "source"), NETWORKS, ids=IDS)
def test_every_family_gives_its_weights_on(network: dict[str, Any], source: InputSchema, tmp_path: Path):
    specs, parent = made(network, source)
    parent.save(tmp_path / "network.keras")
    stored = (tmp_path / "network.keras").rename(tmp_path / "0a1b2c")
    _, child = made(network, source, seed=2)
    taken, fresh = take_over(child, read_weights(specs.network, source, stored))
    # What is known without Keras goes by the same names.
    layers = outline(specs.network, source, 1).layers
    assert sorted(taken) == sorted(layer.name for layer in layers if layer.parameters)
    assert fresh == ()
    for one, other in zip(parent.weights, child.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_layer_of_another_shape_or_name_keeps_its_own_weights():
    small = {"family": "cnn", "blocks": [2, 4], "dense": [3]}
    _, parent = made(small, IMAGES)
    _, child = made(small | {"blocks": [2, 5], "dense": [3, 3]}, IMAGES.model_copy(update={"classes": 4}))
    before = weights_of(child)
    taken, fresh = take_over(child, weights_of(parent))
    assert taken == ("conv_1",)
    assert fresh == ("conv_2", "dense_1", "dense_2", "probabilities")
    np.testing.assert_array_equal(weights_of(child)["conv_1"][0], weights_of(parent)["conv_1"][0])
    for name in fresh:
        np.testing.assert_array_equal(weights_of(child)[name][0], before[name][0])


def test_layers_are_frozen_by_how_their_names_begin():
    _, network = made(NETWORKS[0][0], IMAGES)
    freeze(network, ["conv_", "nothing"])
    still = {name for name, layer in weighted_layers(network) if not layer.trainable}
    assert still == {"conv_1", "conv_1_norm"}
    freeze(network, [])
    assert len(network.trainable_variables) == 4
