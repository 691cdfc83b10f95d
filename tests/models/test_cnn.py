import keras
import numpy as np
import pytest

from models.presets import PRESETS, resolve
from models.registry import build
from models.schema import InputSchema
from models.specs.cnn import CnnSpec

SOURCE = InputSchema(shape=(8, 8, 1), classes=3, low=-2.0, high=6.0)
ROWS = np.random.default_rng(0).uniform(-2, 6, (5, 8, 8, 1)).astype(np.float32)


def built(**fields) -> keras.Model:
    return build(CnnSpec.model_validate({"blocks": [4]} | fields), SOURCE, seed=1)


def values_at(network: keras.Model, layer: str) -> np.ndarray:
    return keras.Model(network.input, network.get_layer(layer).output)(ROWS).numpy()


@pytest.mark.parametrize("preset", [name for name, preset in PRESETS.items() if preset.family == "cnn"])
def test_rows_become_probabilities(preset: str):
    network = build(resolve({"preset": preset}, None, SOURCE).network, SOURCE, seed=1)
    assert network.input.name == "image"
    assert network.input.dtype == "float32"
    assert network.output_names == ["probabilities"]
    answer = network(ROWS).numpy()
    assert answer.shape == (5, 3)
    np.testing.assert_allclose(answer.sum(1), 1, rtol=1e-5)


def test_the_range_of_the_dataset_becomes_0_to_1_inside_the_network():
    np.testing.assert_allclose(values_at(built(), "scaling"), (ROWS + 2) / 8, rtol=1e-5, atol=1e-6)
    assert "scaling" not in [layer.name for layer in built(scaling="none").layers]


def test_images_are_resized_inside_the_network():
    resized = values_at(built(input_size=[16, 12]), "resizing")
    assert resized.shape == (5, 16, 12, 1)
    np.testing.assert_allclose(resized.mean(), ((ROWS + 2) / 8).mean(), rtol=0.02)


def test_the_seed_decides_the_weights():
    first, again, other = (build(CnnSpec(), SOURCE, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_block_that_names_no_activation_has_the_networks():
    network = built(activation="elu", blocks=[4, {"filters": 4, "activation": "tanh"}], dense=[5])
    activations = [network.get_layer(name).activation.__name__ for name in ("conv_1", "conv_2", "dense_1")]
    assert activations == ["elu", "tanh", "elu"]


def test_the_penalty_is_on_every_kernel_and_on_nothing_else():
    network = built(l2=0.5, dense=[5], blocks=[{"filters": 4, "batch_normalization": True}])
    kernels = [variable for variable in network.trainable_variables if variable.path.endswith("kernel")]
    assert len(kernels) == 3
    expected = 0.5 * sum(np.sum(np.square(kernel.numpy())) for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)


def test_normalisation_comes_between_convolution_and_activation():
    network = built(blocks=[{"filters": 4, "batch_normalization": True, "pooling": "max", "dropout": 0.1}])
    names = [layer.name for layer in network.layers]
    order = ["conv_1", "conv_1_norm", "conv_1_activation", "conv_1_pool", "conv_1_dropout"]
    assert names[2:7] == order
    assert network.get_layer("conv_1").activation.__name__ == "linear"
    assert not network.get_layer("conv_1").use_bias
