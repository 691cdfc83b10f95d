from random import Random
from typing import Any

import keras
import numpy as np
import pytest

from models.asking import before_last
from models.forecasting import is_forecast
from models.lesson import TrainingData
from models.next_step import cut
from models.outline import outline
from models.presets import SpecError, resolve
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.rnn import RnnSpec
from models.statistics import measure
from models.training import train

SEQUENCES = InputSchema(shape=(100, 10), classes=10)
TEXT = InputSchema(shape=(20,), vocabulary=10_000, classes=10)
SHORT_TEXT = InputSchema(shape=(6,), vocabulary=12, classes=3)
PADDED = InputSchema(kind="sequences", shape=(5, 2), classes=3, variable_length=True)
FORECAST = InputSchema(kind="sequences", shape=(6, 2), variable_length=True)
ROW = np.array([[1, 2], [3, 4], [np.nan, 1]], np.float32)


def padded(row: np.ndarray, steps: int) -> np.ndarray:
    """One row of a dataset, ``[1, steps, features]``: padded at the end by steps that are NaN throughout."""
    return np.pad(row, ((0, steps - len(row)), (0, 0)), constant_values=np.nan)[None]


@pytest.mark.parametrize(
    ("preset", "source", "parameters"),
    [
        ("lstm-sequence", SEQUENCES, 52_874),
        ("lstm-text", TEXT, 710_858),
        ("gru-text", TEXT, 640_000 + 3 * 64 * (64 + 64 + 2) + 650),
        ("bilstm-text", TEXT, 640_000 + 2 * 4 * 64 * (64 + 64 + 1) + 1290),
    ],
)
def test_the_presets_have_the_parameters_of_the_textbooks(
    preset: str, source: InputSchema, parameters: int
) -> None:
    spec = resolve({"preset": preset}, None, source).network
    assert outline(spec, source, 64).parameters == parameters
    assert build(spec, source, seed=0).count_params() == parameters


def random_source(random: Random) -> InputSchema:
    asked: dict[str, int] = random.choice([{"classes": 3}, {"targets": 2}, {}])
    match random.choice(["sequences", "text", "images"]):
        case "text":
            return InputSchema(shape=(random.randint(1, 9),), vocabulary=random.randint(3, 50), classes=2)
        case "images":
            return InputSchema(
                shape=(random.randint(1, 5), random.randint(1, 5), 3), **asked or {"classes": 4}
            )
    shape = (random.randint(1, 9), random.randint(1, 4))
    return InputSchema(kind="sequences", shape=shape, variable_length=random.random() < 0.5, **asked)


def random_spec(random: Random) -> RnnSpec:
    layers = [
        {
            "units": random.randint(1, 9),
            "bidirectional": random.random() < 0.4,
            "dropout": random.choice([0.0, 0.2]),
            "recurrent_dropout": random.choice([0.0, 0.2]),
        }
        for _ in range(random.randint(1, 3))
    ]
    dense = [
        {
            "units": random.randint(1, 9),
            "batch_normalization": random.random() < 0.3,
            "dropout": random.choice([0.0, 0.5]),
        }
        for _ in range(random.randint(0, 2))
    ]
    return RnnSpec.model_validate(
        {
            "scaling": random.choice(["standard", "none"]),
            "embedding_size": random.randint(1, 9),
            "cell": random.choice(["lstm", "gru", "simple"]),
            "layers": layers,
            "pooling": random.choice(["last", "average", "max"]),
            "dense": dense,
            "dropout": random.choice([0.0, 0.3]),
            "l2": random.choice([0.0, 0.01]),
        }
    )


def agree(specs: int, seed: int) -> None:
    random, built = Random(seed), 0
    while built < specs:
        spec, source = random_spec(random), random_source(random)
        try:
            expected = outline(spec, source, 1)
        except SpecError:
            # A sequence of one step has no step before the last one.
            assert source.shape[0] == 1
            assert is_forecast(source)
            continue
        network = build(spec, source, seed=0)
        found = [
            (layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in network.layers
        ]
        assert found == [(layer.name, layer.shape, layer.parameters) for layer in expected.layers], spec
        assert network.count_params() == expected.parameters, spec
        built += 1


def test_the_outlines_of_20_random_specs_equal_what_keras_builds() -> None:
    agree(20, seed=1)


@pytest.mark.long
def test_the_outlines_of_200_random_specs_equal_what_keras_builds() -> None:
    agree(200, seed=2)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", ["last", "average", "max"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple"])
def test_padding_changes_no_answer(cell: str, pooling: str, bidirectional: bool) -> None:
    layer = {"units": 4, "bidirectional": bidirectional}
    spec = RnnSpec.model_validate({"cell": cell, "layers": [layer, layer], "pooling": pooling})
    short = PADDED.model_copy(update={"shape": (3, 2), "variable_length": False})
    longer, exact = (build(spec, source, seed=3) for source in (PADDED, short))
    np.testing.assert_allclose(longer(padded(ROW, 5)), exact(ROW[None]), atol=1e-6)


def test_a_missing_number_is_the_mean_and_padding_is_not_scaled() -> None:
    rows = np.concatenate([padded(ROW, 5), padded(ROW + 4, 5)])
    statistics = measure(rows, np.zeros(2, np.int64), np.arange(2), PADDED)
    network = build(RnnSpec(), PADDED, statistics, seed=0)
    filled = rows.copy()
    filled[:, 2, 0] = statistics.inputs.means[0]
    np.testing.assert_allclose(network(rows), network(filled), atol=1e-6)


@pytest.mark.parametrize("source", [PADDED, TEXT])
def test_a_row_of_nothing_but_padding_has_an_answer(source: InputSchema) -> None:
    rows = np.zeros((1, 20), np.int32) if source.kind == "text" else np.full((1, 5, 2), np.nan, np.float32)
    for pooling in ("last", "average", "max"):
        spec = RnnSpec.model_validate({"pooling": pooling, "layers": [3]})
        assert np.isfinite(build(spec, source, seed=0)(rows)).all()


def test_an_image_is_read_row_by_row() -> None:
    source = InputSchema(shape=(8, 6, 3), classes=10, low=0.0, high=16.0)
    layers = outline(RnnSpec(), source, 1).layers
    assert [(layer.name, layer.shape) for layer in layers[:3]] == [
        ("rows", (8, 6, 3)), ("scaling", (8, 6, 3)), ("steps", (8, 18)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        InputSchema(kind="vectors", shape=(4,), classes=2),
        InputSchema(kind="sequences", shape=(1, 2)),
        InputSchema(shape=(8, 8, 1), classes=2, low=1.0, high=1.0),
        InputSchema(shape=(20,), vocabulary=30),
    ],
)
def test_rows_that_it_cannot_take_are_refused(source: InputSchema) -> None:
    with pytest.raises(SpecError):
        outline(RnnSpec(), source, 1)


def test_the_last_step_that_is_no_padding_is_cut_off() -> None:
    rows = np.concatenate([padded(ROW, 5), np.arange(10, dtype=np.float32).reshape(1, 5, 2)])
    before, then = (part.numpy() for part in cut(rows))
    np.testing.assert_array_equal(before[0], padded(ROW[:2], 4)[0])
    np.testing.assert_array_equal(before[1], rows[1, :4])
    np.testing.assert_array_equal(then, [[np.nan, 1], [8, 9]])
    np.testing.assert_array_equal(before_last(rows), before)


def learn(spec: RnnSpec, source: InputSchema, data: TrainingData, training: dict[str, Any]) -> Any:
    specs = resolve(spec.model_dump(mode="json"), training, source)
    network = build(specs.network, source, data.statistics, seed=7)
    outcome = train(
        network,
        specs.network,
        specs.training,
        data,
        report=lambda kind, figures: None,
        should_stop=lambda: False,
    )
    return network, outcome


def waves(rows: int, rescaled: float) -> np.ndarray:
    """Rows of steps of a wave, some short; what comes next is plain to see in what came before."""
    generator = np.random.default_rng(0)
    phase = generator.uniform(0, 6, (rows, 1)) + 0.7 * np.arange(6)
    x = (rescaled * np.stack([np.sin(phase), 5 + np.cos(phase)], axis=2)).astype(np.float32)
    x[::3, 4:] = np.nan
    return x


def test_what_comes_next_is_foretold_in_the_units_of_the_rows() -> None:
    x = waves(300, 100.0)
    y, rows = np.zeros(300, np.int64), np.arange(300)
    data = TrainingData(x, y, rows[:240], rows[240:], FORECAST, measure(x, y, rows[:240], FORECAST))
    training = {"epochs": 30, "batch_size": 32, "optimizer": {"name": "adam", "learning_rate": 0.02}}
    spec = RnnSpec.model_validate({"layers": [12], "cell": "gru"})
    network, outcome = learn(spec, FORECAST, data, training)
    assert outcome.epochs[-1]["metrics"]["val_loss"] < 0.1
    (role,) = roles_of(spec, network, FORECAST)
    assert [(t.name, t.shape) for t in (*role.inputs, *role.outputs)] == [
        ("sequence", (5, 2)),
        ("values", (2,)),
    ]
    examples = role.examples(x[240:])
    answers = role.function(examples)["values"].numpy()
    assert np.abs(answers - cut(x[240:])[1]).mean() < 25


@pytest.mark.parametrize(
    "source", [PADDED, SHORT_TEXT, PADDED.model_copy(update={"classes": None, "targets": 2})]
)
def test_it_trains_twice_to_the_same_bits_and_is_saved_whole(source: InputSchema, tmp_path: Any) -> None:
    layer = {"units": 4, "dropout": 0.2, "recurrent_dropout": 0.2, "bidirectional": source is SHORT_TEXT}
    spec = RnnSpec.model_validate({"layers": [layer]})
    generator = np.random.default_rng(1)
    x = generator.integers(2, 10, (40, *source.shape)).astype(np.int32 if source.vocabulary else np.float32)
    x[::2, 3:] = 0 if source.vocabulary else np.nan
    y = generator.integers(0, 3, 40) if source.classes else generator.normal(size=(40, 2)).astype(np.float32)
    rows = np.arange(40)
    data = TrainingData(x, y, rows[:30], rows[30:], source, measure(x, y, rows[:30], source))
    training = {"epochs": 2, "batch_size": 8}
    (network, outcome), (again, _) = (learn(spec, source, data, training) for _ in range(2))
    assert np.isfinite(outcome.epochs[-1]["metrics"]["loss"])
    assert all(np.array_equal(a, b) for a, b in zip(network.variables, again.variables, strict=True))
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(network(x), loaded(x))
