from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from models.export import export_onnx, parity, serving_function
from models.presets import resolve
from models.registry import build, roles_of
from models.roles import PlayedRole
from models.schema import InputSchema
from models.signature import TensorSignature


def stirred(network: keras.Model) -> keras.Model:
    """Scales begin at 1 and offsets at 0, where a mistake would not show."""
    generator = np.random.default_rng(2)
    network.set_weights([weight + generator.normal(0, 0.1, weight.shape) for weight in network.get_weights()])
    return network


def role_of(layer: keras.layers.Layer, shape: tuple[int, ...]) -> PlayedRole:
    rows = keras.Input(shape)
    network = stirred(keras.Model(rows, layer(rows)))
    return PlayedRole(
        name="predict",
        function=lambda tensors: {"found": network(tensors["rows"], training=False)},
        inputs=(TensorSignature(name="rows", dtype="float32", shape=shape),),
        outputs=(TensorSignature(name="found", dtype="float32", shape=shape),),
        examples=lambda rows: {"rows": rows},
    )


def operators(role: PlayedRole, rows: np.ndarray, path: Path) -> list[str]:
    """Export a role, see that it answers alike, and return the operators of its graph."""
    export_onnx(role, path)
    proof = parity(role, serving_function(role), path, role.examples(rows))
    assert proof.max_difference < 1e-5
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.parametrize("settings", [{}, {"epsilon": 1e-6}, {"center": False}, {"scale": False}], ids=str)
@pytest.mark.parametrize("shape", [(5,), (4, 5), (3, 4, 5)], ids=str)
def test_the_last_axis_is_normalised_by_one_operator(
    shape: tuple[int, ...], settings: dict[str, Any], tmp_path: Path
) -> None:
    role = role_of(keras.layers.LayerNormalization(**settings), shape)
    rows = np.random.default_rng(0).normal(1, 0.5, (6, *shape)).astype(np.float32)
    assert operators(role, rows, tmp_path / "graph.onnx") == ["LayerNormalization"]


@pytest.mark.parametrize("axis", [1, (1, 2)], ids=str)
def test_other_axes_are_normalised_as_before(axis: Any, tmp_path: Path) -> None:
    role = role_of(keras.layers.LayerNormalization(axis=axis), (4, 5))
    rows = np.random.default_rng(0).normal(size=(6, 4, 5)).astype(np.float32)
    assert "LayerNormalization" not in operators(role, rows, tmp_path / "graph.onnx")


def test_a_transformer_answers_alike_to_padded_rows(tmp_path: Path) -> None:
    source = InputSchema(shape=(9,), vocabulary=30, classes=3)
    spec = resolve({"preset": "transformer-mini"}, None, source).network
    (role,) = roles_of(spec, stirred(build(spec, source, seed=0)), source)
    rows = np.random.default_rng(1).integers(2, 30, (8, 9)).astype(np.int32)
    rows[::2, 5:] = 0
    assert operators(role, rows, tmp_path / "graph.onnx").count("LayerNormalization") == 4
