from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from sklearn.datasets import load_digits

from models.export import export_onnx, parity, serving_function
from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.layers.spec import LayersSpec
from models.statistics import measure
from models.training import train

RANDOM = np.random.default_rng(0)
DIGITS = load_digits()
IMAGES = InputSchema(shape=(8, 8, 1), classes=10, high=16.0)
STEPS = InputSchema(kind="sequences", shape=(9, 2), classes=2, variable_length=True)
TEXT = InputSchema(shape=(9,), vocabulary=12, classes=2)
VALUES = InputSchema(shape=(4,), targets=2)


def images() -> tuple[np.ndarray, np.ndarray]:
    return DIGITS.images[:300, ..., None].astype(np.float32), DIGITS.target[:300]


def padded(x: np.ndarray, value: float) -> np.ndarray:
    """Rows of different length, the ends padded."""
    lengths = RANDOM.integers(4, 10, len(x))
    x[np.arange(9) >= lengths[:, None]] = value
    return x


def steps() -> tuple[np.ndarray, np.ndarray]:
    y = RANDOM.integers(0, 2, 300)
    x = RANDOM.normal(40, 1, (300, 9, 2)).astype(np.float32)
    x[..., 0] += 4 * y[:, None] * np.linspace(0, 1, 9, dtype=np.float32)
    return padded(x, np.nan), y


def texts() -> tuple[np.ndarray, np.ndarray]:
    """Whether the token 5 comes before the token 6."""
    y = RANDOM.integers(0, 2, 300)
    x = RANDOM.integers(7, 12, (300, 9)).astype(np.int32)
    x[:, 1], x[:, 3] = np.where(y, 5, 6), np.where(y, 6, 5)
    return padded(x, 0), y


def values() -> tuple[np.ndarray, np.ndarray]:
    x = RANDOM.normal(7, 3, (300, 4)).astype(np.float32)
    return x, np.stack([100 + 20 * x[:, 0], x[:, 1] * x[:, 2]], 1).astype(np.float32)


ROW_OF_LAYERS = [
    {"type": "conv2d", "filters": 8, "kernel": [3, 2], "activation": "relu"},
    {"type": "batch_normalization", "momentum": 0.8},
    {"type": "separable_conv2d", "filters": 12, "stride": 2},
    {"type": "prelu"},
    {"type": "depthwise_conv2d", "multiplier": 2},
    {"type": "group_normalization", "groups": 4},
    {"type": "spatial_dropout2d", "rate": 0.05},
    {"type": "average_pooling2d", "padding": "same"},
    {"type": "flatten"},
]
BRANCHES = [
    {"type": "conv2d", "filters": 8, "activation": "relu", "name": "stem"},
    {"type": "conv2d", "filters": 8, "activation": "relu"},
    {"type": "layer_normalization", "name": "found"},
    {"type": "add", "inputs": ["stem", "found"], "name": "sum"},
    {"type": "max_pooling2d"},
    {"type": "up_sampling2d", "name": "coarse"},
    {"type": "concatenate", "inputs": ["sum", "coarse"]},
    {"type": "zero_padding2d"},
    {"type": "cropping2d", "cropping": [2, 1]},
    {"type": "resizing", "height": 5, "width": 6},
    {"type": "global_average_pooling2d"},
    {"type": "dense", "units": 32, "activation": "relu"},
    {"type": "dropout", "rate": 0.05},
]
ALONG_TIME = [
    {"type": "conv1d", "filters": 6, "dilation": 2, "activation": "relu"},
    {"type": "gru", "units": 8, "sequences": True, "bidirectional": True},
    {"type": "gaussian_noise", "deviation": 0.05},
    {"type": "lstm", "units": 8, "sequences": True, "name": "walked"},
    {"type": "global_max_pooling1d", "name": "most"},
    {"type": "global_average_pooling1d", "inputs": ["walked"]},
    {"type": "concatenate", "inputs": ["most", "global_average_pooling1d_6"]},
]
READING = [
    {"type": "embedding", "size": 8},
    {"type": "multi_head_attention", "heads": 2, "head_size": 4, "name": "seen"},
    {"type": "add", "inputs": ["embedding_1", "seen"]},
    {"type": "simple_rnn", "units": 12},
]
DENSE = [
    {"type": "dense", "units": 32, "activation": "gelu"},
    {"type": "repeat_vector", "times": 2},
    {"type": "permute", "order": [2, 1]},
    {"type": "reshape", "shape": [64]},
    {"type": "leaky_relu"},
]


def trained(
    source: InputSchema, x: np.ndarray, y: np.ndarray, layers: list
) -> tuple[LayersSpec, keras.Model]:
    rows = np.arange(len(x))
    data = TrainingData(x, y, rows[:-60], rows[-60:], source, measure(x, y, rows[:-60], source))
    optimizer = {"name": "adam", "learning_rate": 0.01}
    specs = resolve({"family": "layers", "layers": layers}, {"epochs": 4, "optimizer": optimizer}, source)
    network = build(specs.network, source, data.statistics, seed=0)
    outcome = train(
        network, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False
    )
    losses = [epoch["metrics"]["loss"] for epoch in outcome.epochs]
    assert losses[-1] < 0.95 * losses[0], losses
    return specs.network, network


@pytest.mark.parametrize(
    ("source", "rows", "layers"),
    [
        pytest.param(IMAGES, images, ROW_OF_LAYERS, marks=pytest.mark.long),
        (IMAGES, images, BRANCHES),
        pytest.param(STEPS, steps, ALONG_TIME, marks=pytest.mark.long),
        (TEXT, texts, READING),
        (VALUES, values, DENSE),
    ],
)
def test_stacks_learn_and_are_served_as_they_are(
    source: InputSchema, rows: Any, layers: list, tmp_path: Path
) -> None:
    x, y = rows()
    spec, network = trained(source, x, y, layers)
    (role,) = roles_of(spec, network, source)
    graph = tmp_path / "predict.onnx"
    export_onnx(role, graph)
    found = parity(role, serving_function(role), graph, role.examples(x[:40]))
    assert found.passed, found
    operators = {node.op_type for node in onnx.load(graph).graph.node}
    # Loops would be many times slower.
    assert not operators & {"Loop", "Scan"}
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(again(x[:9]).numpy(), network(x[:9]).numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "lstm", "units": 3}],
        [{"type": "gru", "units": 3, "sequences": True}, {"type": "global_average_pooling1d"}],
        [{"type": "multi_head_attention", "head_size": 2}, {"type": "global_max_pooling1d"}],
        [{"type": "dense", "units": 3}, {"type": "simple_rnn", "units": 3, "bidirectional": True}],
    ],
)
def test_padding_changes_no_answer(layers: list) -> None:
    row = np.array([[1, 2], [3, 4], [np.nan, 1]], np.float32)
    spec = LayersSpec.model_validate({"layers": layers})
    short = STEPS.model_copy(update={"shape": (3, 2), "variable_length": False})
    longer, exact = (build(spec, source, seed=3) for source in (STEPS, short))
    filled = np.pad(row, ((0, 6), (0, 0)), constant_values=np.nan)
    np.testing.assert_allclose(longer(filled[None]), exact(row[None]), atol=1e-6)


def test_scaling_is_left_out_where_it_is_not_wanted() -> None:
    spec = LayersSpec.model_validate({"layers": [{"type": "flatten"}], "scaling": "none"})
    assert "scaling" not in {layer.name for layer in build(spec, IMAGES, seed=0).layers}
    tables = build(spec, VALUES, seed=0)
    assert np.isfinite(tables(np.full((1, 4), np.nan, np.float32)).numpy()).all()


@pytest.mark.parametrize(("name", "size"), [("l2", np.square), ("l1", np.abs)])
def test_the_penalty_is_on_every_kernel_and_on_nothing_else(name: str, size: Any) -> None:
    layers = [
        {"type": "conv1d", "filters": 2},
        {"type": "separable_conv1d", "filters": 3},
        {"type": "depthwise_conv1d"},
        {"type": "lstm", "units": 2, "sequences": True},
        {"type": "flatten"},
        {"type": "dense", "units": 3},
    ]
    spec = LayersSpec.model_validate({"layers": layers, name: 0.5})
    network = build(spec, InputSchema(kind="sequences", shape=(6, 2), classes=2), seed=1)
    paths = {variable.path: variable.numpy() for variable in network.trainable_variables}
    kernels = [value for path, value in paths.items() if "kernel" in path and "recurrent" not in path]
    assert len(kernels) == 7
    expected = 0.5 * sum(np.sum(size(kernel)) for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)
