from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from models.export import export_onnx, parity, serving_function
from models.roles import PlayedRole
from models.signature import TensorSignature

Shape = tuple[int, ...]


def exported(shape: Shape, *layers: keras.layers.Layer, folder: Path) -> tuple[list[str], float]:
    """The operators of the graph of some layers, and how far its answers are from theirs."""
    rows = answer = keras.Input(shape)
    for layer in layers:
        answer = layer(answer)
    network = keras.Model(rows, answer)
    generator = np.random.default_rng(0)
    network.set_weights([generator.normal(size=weight.shape) for weight in network.get_weights()])
    role = PlayedRole(
        "predict",
        lambda tensors: {"values": network(tensors["image"], training=False)},
        (TensorSignature(name="image", dtype="float32", shape=shape),),
        (TensorSignature(name="values", dtype="float32", shape=tuple(network.output.shape[1:])),),
        lambda rows: {"image": rows},
    )
    path = folder / "graph.onnx"
    export_onnx(role, path)
    x = generator.normal(size=(3, *shape)).astype(np.float32)
    found = parity(role, serving_function(role), path, {"image": x}).max_difference
    return [node.op_type for node in onnx.load(path).graph.node], found


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((9, 7, 5), keras.layers.Conv2D(1, 3, padding="same")),
        ((9, 7, 5), keras.layers.Conv2D(8, (4, 3), padding="same")),
        ((9, 7, 5), keras.layers.Conv2D(3, (2, 5))),
        ((9, 7, 5), keras.layers.Conv2D(2, 1, use_bias=False)),
        ((9, 5), keras.layers.Conv1D(2, 4, padding="same")),
    ],
)
def test_convolutions_to_few_channels_are_transposed(shape: Shape, layer: Any, tmp_path: Path) -> None:
    operators, difference = exported(shape, layer, folder=tmp_path)
    assert "ConvTranspose" in operators
    assert "Conv" not in operators
    assert difference < 1e-5


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(9, 3, padding="same"),
        keras.layers.Conv2D(2, 3, strides=2),
        keras.layers.Conv2D(2, 3, dilation_rate=2),
        keras.layers.DepthwiseConv2D(3, padding="same"),
    ],
)
def test_other_convolutions_stay_what_they_are(layer: Any, tmp_path: Path) -> None:
    operators, difference = exported((9, 7, 4), layer, folder=tmp_path)
    assert "Conv" in operators
    assert "ConvTranspose" not in operators
    assert difference < 1e-5


def test_a_kernel_that_serves_twice_is_not_turned(tmp_path: Path) -> None:
    layer = keras.layers.Conv2D(4, 3, padding="same")
    operators, difference = exported((6, 6, 4), layer, layer, folder=tmp_path)
    assert operators.count("Conv") == 2
    assert difference < 1e-5
