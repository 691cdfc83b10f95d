from typing import Any

import keras
import numpy as np
import pytest

from models.export import export_onnx, parity, serving_function
from models.lesson import TrainingData
from models.precision import mixed_precision, uses_mixed_precision
from models.presets import resolve
from models.registry import build, roles_of
from models.schema import InputSchema
from models.statistics import measure
from models.training import train

RANDOM = np.random.default_rng(0)
IMAGES = InputSchema(shape=(8, 8, 1), classes=3)
TEXT = InputSchema(kind="text", shape=(6,), dtype="int32", vocabulary=9, classes=3)
VALUES = InputSchema(shape=(4,), targets=1)
CNN = {
    "family": "cnn",
    "blocks": [{"filters": 4, "batch_normalization": True, "pooling": "max"}],
    "dense": [8],
}
STACK = [
    {"type": "conv2d", "filters": 3, "kernel": 3, "activation": "relu"},
    {"type": "batch_normalization"},
    {"type": "flatten"},
    {"type": "dense", "units": 4},
]
FAMILIES: list[tuple[dict[str, Any], InputSchema]] = [
    (CNN, IMAGES),
    ({"family": "mlp", "dense": [8]}, VALUES),
    ({"family": "rnn", "layers": [{"units": 4, "bidirectional": True}, 3], "cell": "lstm"}, TEXT),
    ({"preset": "transformer-mini"}, TEXT),
    ({"family": "autoencoder", "dense": [8], "latent": 2, "variational": True}, IMAGES),
    ({"family": "gan", "generator": [8], "discriminator": [8], "conditional": True}, IMAGES),
    ({"family": "text_generator", "units": [4]}, TEXT),
    ({"family": "layers", "layers": STACK}, IMAGES),
]
# All of them take half a minute.
CASES = [
    pytest.param(
        network, source, marks=[pytest.mark.long] if place else [], id=network.get("family", "preset")
    )
    for place, (network, source) in enumerate(FAMILIES)
]


def rows_of(source: InputSchema) -> TrainingData:
    ids = RANDOM.integers(2, 9, (40, *source.shape)).astype(np.int32)
    x = ids if source.kind == "text" else RANDOM.uniform(0, 1, (40, *source.shape)).astype(np.float32)
    values = RANDOM.uniform(0, 1, (40, 1)).astype(np.float32)
    y = values if source.targets else RANDOM.integers(0, 3, 40)
    rows = np.arange(32)
    return TrainingData(x, y, rows, np.arange(32, 40), source, measure(x, y, rows, source))


def trained(network: dict[str, Any], data: TrainingData, mixed: str) -> tuple[keras.Model, list[float]]:
    training = {"epochs": 2, "batch_size": 8, "mixed_precision": mixed}
    specs = resolve(network, training, data.source)
    built = build(specs.network, data.source, data.statistics, seed=1)
    outcome = train(
        built, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False
    )
    figures = outcome.epochs[-1]["metrics"]
    return built, [figures[name] for name in sorted(figures)]


@pytest.mark.parametrize(("network", "source"), CASES)
def test_every_family_trains_in_mixed_precision_and_is_exact_afterwards(
    network: dict[str, Any], source: InputSchema, tmp_path: Any
) -> None:
    data = rows_of(source)
    mixed, figures = trained(network, data, "on")
    _, exact = trained(network, data, "off")
    assert figures != exact
    np.testing.assert_allclose(figures, exact, rtol=0.1, atol=0.1)
    assert {layer.compute_dtype for layer in mixed._flatten_layers()} <= {"float32", "int32"}
    assert {weight.dtype for weight in mixed.weights} <= {"float32", "uint32"}
    role = roles_of(resolve(network, None, source).network, mixed, source)[0]
    inputs = role.examples(data.x[:8])
    export_onnx(role, tmp_path / "graph.onnx")
    assert parity(role, serving_function(role), tmp_path / "graph.onnx", inputs).passed


def test_mixed_precision_repeats_bit_for_bit() -> None:
    data = rows_of(IMAGES)
    one, same = (trained(CNN, data, "on")[0].get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))


def test_answers_keep_all_their_digits_while_layers_before_do_not() -> None:
    network = build(resolve(CNN, None, IMAGES).network, IMAGES, seed=1)
    with mixed_precision(network):
        kinds = {layer.name: layer.compute_dtype for layer in network.layers}
        assert kinds["conv_1"] == kinds["dense_1"] == "bfloat16"
        assert kinds["scaling"] == kinds["probabilities"] == "float32"
        assert network(rows_of(IMAGES).x[:2]).dtype == "float32"
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_without_a_gpu_it_is_not_chosen() -> None:
    specs = resolve(CNN, None, IMAGES)
    assert specs.training.mixed_precision == "auto"
    assert not uses_mixed_precision(specs.network, specs.training)
