from random import Random

import keras
import numpy as np
import pytest

from models.heads import imputed
from models.lesson import TrainingData
from models.outline import outline
from models.presets import resolve
from models.registry import build
from models.schema import Column, InputSchema
from models.specs.mlp import MlpSpec
from models.specs.problems import SpecError
from models.statistics import measure
from models.training import train

COLUMNS = (
    Column(name="age", kind="number"),
    Column(name="city", kind="category", categories=("Rome", "Oslo", "Lima")),
    Column(name="income", kind="number"),
)
TABLE = InputSchema(kind="table", shape=(3,), columns=COLUMNS, classes=2)
RANDOM = np.random.default_rng(0)


def table(rows: int) -> np.ndarray:
    x = np.stack([RANDOM.normal(50, 9, rows), RANDOM.integers(0, 5, rows), RANDOM.normal(3e4, 1e4, rows)], 1)
    return x.astype(np.float32)


def random_case(random: Random) -> tuple[MlpSpec, InputSchema]:
    target = random.choice([{"classes": random.randint(2, 9)}, {"targets": random.randint(1, 4)}])
    source = random.choice(
        [
            {"shape": (random.randint(1, 30),)},
            {"shape": (random.randint(1, 9), random.randint(1, 9), random.choice([1, 3]))},
            {"kind": "table", "shape": (3,), "columns": COLUMNS},
            {"kind": "table", "shape": (1,), "columns": COLUMNS[1:2]},
            {"kind": "table", "shape": (1,), "columns": COLUMNS[:1]},
        ]
    )
    block = {
        "units": random.randint(1, 20),
        "batch_normalization": random.choice([True, False]),
        "dropout": 0.1,
    }
    spec = {
        "scaling": random.choice(["standard", "none"]),
        "categories": random.choice(["embedding", "one_hot"]),
        "embedding_size": random.choice([None, 3]),
        "dense": random.choice([[], [5], [block, 7]]),
        "dropout": random.choice([0.0, 0.2]),
        "l1": random.choice([0.0, 0.01]),
    }
    return MlpSpec.model_validate(spec), InputSchema.model_validate({**source, **target})


def agree(specs: int) -> None:
    random = Random(1)
    for _ in range(specs):
        spec, source = random_case(random)
        network = build(spec, source, seed=0)
        found = outline(spec, source, 1)
        assert found.parameters == network.count_params(), (spec, source)
        shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in network.layers}
        for layer in found.layers:
            assert shapes[layer.name] == layer.shape, (layer, spec)


def test_the_outlines_of_random_specs_equal_what_keras_builds() -> None:
    agree(20)


@pytest.mark.long
def test_the_outlines_of_200_random_perceptrons_equal_what_keras_builds() -> None:
    agree(200)


def test_the_textbook_network_has_its_109386_parameters() -> None:
    source = InputSchema(shape=(28, 28, 1), classes=10)
    spec = resolve({"preset": "mlp-mnist"}, None, source).network
    assert outline(spec, source, 1).parameters == 109_386
    assert build(spec, source, seed=0).count_params() == 109_386


def test_numbers_are_scaled_and_missing_ones_are_the_mean() -> None:
    x = table(200)
    x[3, 0] = np.nan
    statistics = measure(x, np.zeros(200), np.arange(200), TABLE)
    network = build(MlpSpec(), TABLE, statistics, seed=0)
    inner = keras.Model(network.input, imputed(network.get_layer("scaling").output))
    scaled = inner(x).numpy()
    assert scaled.shape == (200, 2)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-2)
    assert scaled[3, 0] == 0
    assert np.isfinite(network(x).numpy()).all()


def test_a_missing_number_harms_no_network_that_does_not_scale() -> None:
    x = table(4)
    x[1] = [np.nan, 1, np.nan]
    assert np.isfinite(build(MlpSpec(scaling="none"), TABLE, seed=0)(x).numpy()).all()


def test_values_are_learnt_in_their_own_units() -> None:
    source = InputSchema(shape=(2,), targets=2)
    x = RANDOM.normal(size=(400, 2)).astype(np.float32)
    y = np.stack([1e4 + 500 * x[:, 0], 0.01 * x[:, 1]], 1).astype(np.float32)
    rows = np.arange(360)
    data = TrainingData(x, y, rows, np.arange(360, 400), source, measure(x, y, rows, source))
    specs = resolve(
        {"family": "mlp", "dense": [16]},
        {"epochs": 30, "optimizer": {"name": "adam", "learning_rate": 0.02}},
        source,
    )
    network = build(specs.network, source, data.statistics, seed=0)
    outcome = train(
        network, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False
    )
    assert set(outcome.epochs[-1]["metrics"]) == {"loss", "mae", "val_loss", "val_mae", "learning_rate"}
    errors = np.abs(network(x[360:]).numpy() - y[360:]).mean(0) / y.std(0)
    assert (errors < 0.2).all(), errors


@pytest.mark.parametrize("source", [{"shape": (9, 2)}, {"shape": (7,), "vocabulary": 9}])
def test_rows_of_another_kind_are_refused(source: dict) -> None:
    with pytest.raises(SpecError, match="images, vectors and tables"):
        resolve({"family": "mlp"}, None, InputSchema.model_validate({**source, "classes": 2}))


def test_rows_without_a_target_are_refused() -> None:
    with pytest.raises(SpecError, match="neither classes nor values"):
        resolve({"family": "mlp"}, None, InputSchema(shape=(4,)))
