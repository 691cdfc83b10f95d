from pathlib import Path

import keras
import numpy as np
import pytest

from models.export import export_onnx, parity, serving_function
from models.lesson import TrainingData
from models.outline import outline
from models.presets import SpecError, resolve
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.cnn import CnnSpec
from models.statistics import measure
from models.training import train

IMAGES = InputSchema(shape=(8, 8, 4), classes=3)
SERIES = InputSchema(kind="sequences", shape=(12, 2), classes=2)
RANDOM = np.random.default_rng(0)


def built(block: dict, source: InputSchema = IMAGES, **fields: object) -> keras.Model:
    spec = CnnSpec.model_validate({"scaling": "none", "blocks": [block], **fields})
    return build(spec, source, seed=1)


def values_at(network: keras.Model, layer: str, rows: np.ndarray) -> np.ndarray:
    return keras.Model(network.input, network.get_layer(layer).output)(rows).numpy()


def problem(network: dict, source: InputSchema) -> str:
    with pytest.raises(SpecError) as raised:
        resolve({"family": "cnn", **network}, None, source)
    (found,) = raised.value.errors
    return f"{found.pointer}: {found.message}"


def test_a_residual_block_adds_what_came_in_to_what_it_found() -> None:
    network = built({"filters": 4, "residual": True})
    rows = RANDOM.normal(size=(2, 8, 8, 4)).astype(np.float32)
    inner = values_at(network, "conv_1_2", rows)
    assert inner.min() < 0
    np.testing.assert_allclose(
        values_at(network, "conv_1_activation", rows), np.maximum(inner + rows, 0), atol=1e-5
    )


@pytest.mark.parametrize("block", [{"filters": 5}, {"filters": 4, "stride": 2}])
def test_what_came_in_is_projected_where_sizes_differ(block: dict) -> None:
    network = built({**block, "residual": True, "batch_normalization": True})
    names = {layer.name for layer in network.layers}
    assert {"conv_1_shortcut", "conv_1_shortcut_norm", "conv_1_2_norm"} <= names
    assert "conv_1_2_activation" not in names
    assert network.get_layer("conv_1_shortcut").kernel.shape[:2] == (1, 1)


def test_a_separable_convolution_has_few_weights() -> None:
    network = built({"filters": 16, "separable": True}, l2=0.5)
    layer = network.get_layer("conv_1")
    assert layer.count_params() == 9 * 4 + 4 * 16 + 16
    kernels = [variable for variable in network.trainable_variables if "kernel" in variable.path]
    expected = 0.5 * sum(np.sum(np.square(kernel.numpy())) for kernel in kernels)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)


def test_what_a_block_cannot_be_is_told() -> None:
    valid = {"blocks": [4, {"filters": 4, "residual": True, "padding": "valid"}]}
    assert problem(valid, IMAGES).startswith("/network/blocks/1/padding: A residual block keeps its border")
    long = {"blocks": [{"filters": 4, "kernel": 13, "padding": "valid"}]}
    assert problem(long, SERIES).startswith(
        "/network/blocks/0/kernel: A kernel of 13 does not fit the 12 steps"
    )
    assert problem({"input_size": [8, 8]}, SERIES).startswith("/network/input_size: input_size is for images")
    longer = SERIES.model_copy(update={"variable_length": True})
    assert "sequences of one length" in problem({}, longer)
    assert "images of shape" in problem({}, InputSchema(shape=(4,), classes=2))


def series(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in which something happens early or late, with a number missing here and there."""
    y = RANDOM.integers(0, 2, rows)
    x = RANDOM.normal(100, 1, (rows, 12, 2)).astype(np.float32)
    x[np.arange(rows), 2 + 6 * y, 0] += 20
    x[np.arange(rows), RANDOM.integers(0, 12, rows), 1] = np.nan
    return x, y


def trained(source: InputSchema, x: np.ndarray, y: np.ndarray, blocks: list) -> tuple[CnnSpec, keras.Model]:
    rows = np.arange(len(x))
    data = TrainingData(x, y, rows[:-40], rows[-40:], source, measure(x, y, rows[:-40], source))
    optimizer = {"name": "adam", "learning_rate": 0.01}
    specs = resolve({"family": "cnn", "blocks": blocks}, {"epochs": 15, "optimizer": optimizer}, source)
    network = build(specs.network, source, data.statistics, seed=0)
    train(network, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False)
    return specs.network, network


def test_classes_of_series_are_learnt_and_served(tmp_path: Path) -> None:
    x, y = series(300)
    blocks = [{"filters": 8, "separable": True}, {"filters": 8, "residual": True, "stride": 2}]
    spec, network = trained(SERIES, x, y, blocks)
    assert (network(x[-40:]).numpy().argmax(1) == y[-40:]).mean() > 0.9
    (role,) = roles_of(spec, network, SERIES)
    assert [tensor.name for tensor in role.inputs] == ["sequence"]
    export_onnx(role, tmp_path / "predict.onnx")
    found = parity(role, serving_function(role), tmp_path / "predict.onnx", role.examples(x[:20]))
    assert found.passed, found


def test_the_next_step_of_series_is_foretold() -> None:
    source = InputSchema(kind="sequences", shape=(9, 1))
    start = RANDOM.uniform(0, 6, (300, 1))
    x = 50 + 7 * np.sin(start + 0.7 * np.arange(9))[..., None].astype(np.float32)
    spec, network = trained(source, x, np.zeros(300), [{"filters": 16}])
    assert network.input_shape == (None, 8, 1)
    assert outline(spec, source, 1).parameters == network.count_params()
    assert np.abs(network(x[-40:, :-1]).numpy() - x[-40:, -1]).mean() < 1.5
