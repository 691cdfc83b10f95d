import subprocess
import sys
from math import prod
from random import Random

import keras
import pytest

from models.outline import outline
from models.presets import PRESETS, SpecError, resolve
from models.registry import build
from models.schema import InputSchema
from models.specs.activations import Activation
from models.specs.cnn import CnnSpec

MNIST = InputSchema(shape=(28, 28, 1), classes=10, high=255.0)


@pytest.mark.parametrize(
    ("preset", "parameters"), [("cnn-basic", 93_322), ("cnn-shallow", 693_962), ("cnn-mnist", 225_034)]
)
def test_the_textbook_networks_have_the_parameters_of_the_textbooks(preset: str, parameters: int):
    spec = resolve({"preset": preset}, None, MNIST).network
    assert outline(spec, MNIST, 64).parameters == parameters
    assert build(spec, MNIST, seed=0).count_params() == parameters


def test_the_textbook_networks_are_layer_for_layer_those_of_the_textbooks():
    layers = outline(resolve({"preset": "cnn-basic"}, None, MNIST).network, MNIST, 64).layers
    assert [layer.shape for layer in layers if layer.parameters] == [
        (26, 26, 32), (11, 11, 64), (3, 3, 64), (64,), (10,),
    ]  # fmt: skip


def random_block(random: Random) -> dict:
    return {
        "filters": random.randint(1, 6),
        "kernel": random.randint(1, 5),
        "stride": random.choice([1, 1, 1, 2, 3]),
        "separable": random.random() < 0.3,
        "residual": (residual := random.random() < 0.3),
        "padding": "same" if residual else random.choice(["same", "valid"]),
        "activation": random.choice([None, *Activation.__args__]),
        "batch_normalization": random.random() < 0.3,
        "pooling": random.choice(["none", "max", "average"]),
        "pool_size": random.randint(1, 3),
        "dropout": random.choice([0.0, 0.2]),
    }


def random_spec(random: Random) -> tuple[CnnSpec, InputSchema]:
    """A spec and what it is built for, images or sequences; about half of them cannot be built."""
    is_image = random.random() < 0.6
    dense = [
        {
            "units": random.randint(1, 9),
            "batch_normalization": random.random() < 0.3,
            "dropout": random.choice([0.0, 0.5]),
        }
        for _ in range(random.randint(0, 2))
    ]
    spec = {
        "scaling": random.choice(["unit", "none"]),
        "input_size": random.choice([None, [random.randint(4, 20), 9]]) if is_image else None,
        "blocks": [random_block(random) for _ in range(random.randint(1, 3))],
        "global_pooling": random.choice(["none", "max", "average"]),
        "dense": dense,
        "dropout": random.choice([0.0, 0.3]),
        "l2": random.choice([0.0, 0.01]),
    }
    shape = (random.randint(3, 20), random.randint(3, 20), random.choice([1, 3]))
    target = random.choice([{"classes": 5}, {"targets": 2}])
    return CnnSpec.model_validate(spec), InputSchema(shape=shape if is_image else shape[:2], **target)


def keras_layers(network: keras.Model) -> list[tuple[str, tuple[int, ...], int]]:
    return [
        (layer.name, tuple(layer.output.shape[1:]), layer.count_params() if layer.weights else 0)
        for layer in network.layers
    ]


def agree(specs: int, seed: int) -> None:
    """Compare so many outlines with networks; what the outline refuses, Keras refuses."""
    random, built = Random(seed), 0
    while built < specs:
        spec, source = random_spec(random)
        try:
            expected = outline(spec, source, 1)
        except SpecError:
            with pytest.raises(ValueError, match=r"negative|zero|[Cc]omputed output size"):
                build(spec, source, seed=0)
            continue
        network = build(spec, source, seed=0)
        found = keras_layers(network)
        outlined = [(layer.name, layer.shape, layer.parameters) for layer in expected.layers]
        # Keras lists what stands beside each other in an order of its own.
        is_a_line = not any(block.residual for block in spec.blocks)
        assert outlined == found if is_a_line else sorted(outlined) == sorted(found), spec
        assert network.count_params() == expected.parameters, spec
        built += 1


def test_the_outlines_of_40_random_specs_equal_what_keras_builds():
    agree(40, seed=1)


@pytest.mark.long
def test_the_outlines_of_300_random_specs_equal_what_keras_builds():
    agree(300, seed=2)


def test_an_outline_needs_no_deep_learning_library():
    program = """
import sys
import models.batches
from models.outline import outline
from models.presets import resolve
from models.schema import InputSchema
source = InputSchema(shape=(28, 28, 1), classes=10)
outline(resolve({"preset": "cnn-modern"}, None, source).network, source, 64)
sys.exit(bool({"tensorflow", "keras"} & sys.modules.keys()))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_memory_in_training_is_the_copies_of_the_weights_and_the_outputs_of_each_row():
    spec = resolve({"preset": "cnn-basic"}, None, MNIST).network
    one, two = outline(spec, MNIST, 1), outline(spec, MNIST, 2)
    outputs = sum(prod(layer.shape) for layer in one.layers)
    assert two.memory.training - one.memory.training == 2 * 4 * outputs
    assert one.memory.training == 5 * 4 * 93_322 + 2 * 4 * outputs
    assert one.memory.serving == two.memory.serving


def test_serving_needs_the_weights_and_the_widest_layer_with_its_input():
    spec = resolve({"preset": "cnn-basic"}, None, MNIST).network
    assert outline(spec, MNIST, 64).memory.serving == 4 * (93_322 + 26 * 26 * 32 + 13 * 13 * 32)


def test_a_layer_that_holds_nearly_all_parameters_is_told():
    spec = CnnSpec.model_validate({"blocks": [64], "dense": [512]})
    (warning,) = outline(spec, MNIST, 64).warnings
    assert warning.startswith("dense_1 holds 25,690,624")
    assert not outline(resolve({"preset": "cnn-shallow"}, None, MNIST).network, MNIST, 64).warnings


def test_a_step_that_needs_much_memory_is_told():
    spec = CnnSpec.model_validate({"blocks": [64], "global_pooling": "average", "input_size": [512, 512]})
    assert "batch_size" in outline(spec, MNIST, 256).warnings[0]
    assert not outline(spec, MNIST, 1).warnings


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.family == "cnn"])
def test_a_preset_of_ours_gives_no_warning(name: str):
    assert outline(resolve({"preset": name}, None, MNIST).network, MNIST, 64).warnings == []
