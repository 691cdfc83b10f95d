"""What holds for every family and preset: a new one is covered without a word here.

Each preset meets the first kind of rows that it takes; the smallest of each family, which is the one that
`make test` runs, meets all others too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import onnx
import pytest

from models.export import TOLERANCE, export_onnx, parity, serving_function
from models.lesson import TrainingData
from models.outline import outline
from models.presets import PRESETS, Resolved, SpecError, resolve
from models.registry import build, roles_of
from models.roles import PlayedRole
from models.schema import Column, InputSchema
from models.signature import TensorSignature
from models.specs.network import FAMILIES
from models.statistics import measure
from models.training import TrainingOutcome, train

ROWS, VALIDATION, BATCH = 28, 8, 8
COLUMNS = (
    Column(name="length (cm)", kind="number"),
    Column(name="colour", kind="category", categories=("red", "green")),
    Column(name="größe", kind="number"),
)
SOURCES = {
    "texts with classes": InputSchema(shape=(9,), dtype="int32", vocabulary=20, classes=3),
    "sequences with classes": InputSchema(shape=(12, 3), classes=3, variable_length=True),
    "a table with classes": InputSchema(shape=(3,), columns=COLUMNS, classes=3),
    "vectors": InputSchema(shape=(12,)),
    "vectors with values": InputSchema(shape=(12,), targets=2),
    "images with classes": InputSchema(shape=(8, 8, 1), dtype="uint8", classes=3, high=16.0),
    "coloured images with values": InputSchema(shape=(9, 7, 3), dtype="uint8", targets=1, high=255.0),
    "texts": InputSchema(shape=(9,), dtype="int32", vocabulary=20),
    "sequences": InputSchema(shape=(12, 3), variable_length=True),
    "sequences of one length": InputSchema(shape=(12, 3), targets=2),
}
# A network of a family that has no preset, and nothing to be asked for by its name alone.
EXAMPLES: dict[str, dict[str, Any]] = {
    "layers": {"layers": [{"type": "flatten"}, {"type": "dense", "units": 8, "activation": "tanh"}]},
}


class Case(NamedTuple):
    network: dict[str, Any]
    rows: str

    def resolved(self) -> Resolved:
        return resolve(
            self.network, {"epochs": 2, "batch_size": BATCH, "validation": 0.3}, SOURCES[self.rows]
        )

    def parameters(self) -> int:
        return outline(self.resolved().network, SOURCES[self.rows], BATCH).parameters


class Learnt(NamedTuple):
    """One case, trained; and its network before that."""

    specs: Resolved
    source: InputSchema
    data: TrainingData
    network: keras.Model
    before: list[np.ndarray]
    outcome: TrainingOutcome

    def roles(self, network: keras.Model) -> tuple[PlayedRole, ...]:
        return roles_of(self.specs.network, network, self.source)

    def rows(self, count: int = ROWS) -> np.ndarray:
        rows: np.ndarray = self.data.x[:count]
        return rows if rows.dtype == np.int32 else rows.astype(np.float32)


def cases_of(network: dict[str, Any]) -> list[Case]:
    found = []
    for rows in SOURCES:
        try:
            Case(network, rows).resolved()
        except SpecError:
            continue
        found.append(Case(network, rows))
    assert found, f"{network} takes none of these rows: add some that it does"
    return found


def networks_of(family: str) -> list[dict[str, Any]]:
    presets = [{"preset": name} for name, preset in PRESETS.items() if preset.family == family]
    return presets or [{"family": family} | EXAMPLES.get(family, {})]


def parameters() -> Iterator[Any]:
    for family in FAMILIES:
        found = [cases_of(network) for network in networks_of(family)]
        found.sort(key=lambda cases: cases[0].parameters())
        smallest = found[0]
        for case in [smallest[0], *smallest[1:], *(cases[0] for cases in found[1:])]:
            name = case.network.get("preset", family)
            marks = [] if case is smallest[0] else [pytest.mark.long]
            yield pytest.param(case, id=f"{name}, {case.rows}", marks=marks)


def drawn(source: InputSchema) -> tuple[np.ndarray, np.ndarray]:
    """Rows as a dataset holds them, with padding and missing values wherever there may be some."""
    generator = np.random.default_rng(3)
    shape = (ROWS, *source.shape)
    match source.kind:
        case "images":
            x = generator.integers(0, int(source.high), shape, endpoint=True).astype(source.dtype)
        case "text":
            x = generator.integers(1, source.vocabulary or 3, shape).astype(np.int32)
            x[::3, 5:] = 0
        case "table":
            x = generator.normal(10, 3, shape).astype(np.float32)
            x[:, 1] = generator.integers(0, COLUMNS[1].ids, ROWS)
            x[::5, 2] = np.nan
        case _:
            x = generator.normal(2, 3, shape).astype(np.float32)
    if source.variable_length:
        x[::3, 5:] = np.nan
        x[4, 2, 1] = np.nan
    if source.targets:
        return x, generator.normal(50, 9, (ROWS, source.targets)).astype(np.float32)
    return x, np.arange(ROWS) % source.classes if source.classes else np.zeros(ROWS, np.int64)


def learn(case: Case) -> Learnt:
    specs, source = case.resolved(), SOURCES[case.rows]
    x, y = drawn(source)
    rows = np.arange(ROWS)
    taught, kept_back = rows[:-VALIDATION], rows[-VALIDATION:]
    data = TrainingData(x, y, taught, kept_back, source, measure(x, y, taught, source))
    network = build(specs.network, source, data.statistics, seed=specs.training.seed)
    before = [variable.numpy() for variable in network.trainable_variables]
    outcome = train(
        network, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False
    )
    return Learnt(specs, source, data, network, before, outcome)


@pytest.fixture(scope="module", params=list(parameters()))
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def learnt(case: Case) -> Learnt:
    return learn(case)


def assert_told(answers: dict[str, np.ndarray], tensors: tuple[TensorSignature, ...], count: int) -> None:
    found = {name: (answer.shape, str(answer.dtype)) for name, answer in answers.items()}
    assert found == {tensor.name: ((count, *tensor.shape), tensor.dtype) for tensor in tensors}


def test_the_spec_is_what_it_is_read_from(learnt: Learnt) -> None:
    spec = learnt.specs.network
    assert type(spec).model_validate_json(spec.model_dump_json()) == spec


def test_the_outline_counts_what_keras_counts(learnt: Learnt) -> None:
    found = outline(learnt.specs.network, learnt.source, BATCH)
    assert found.parameters == learnt.network.count_params()


def test_steps_are_finite_and_move_the_weights(learnt: Learnt) -> None:
    metrics = [epoch["metrics"] for epoch in learnt.outcome.epochs]
    assert len(metrics) == 2
    assert all(np.isfinite(value) for epoch in metrics for value in epoch.values())
    assert any(name.startswith("val_") for name in metrics[0])
    after = [variable.numpy() for variable in learnt.network.trainable_variables]
    assert all(np.isfinite(weights).all() for weights in after)
    moved = [not np.array_equal(one, other) for one, other in zip(learnt.before, after, strict=True)]
    assert sum(moved) >= len(moved) / 2


def test_the_same_seed_gives_the_same_bits(case: Case, learnt: Learnt) -> None:
    again = learn(case)
    pairs = zip(learnt.network.variables, again.network.variables, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert [epoch["metrics"] for epoch in learnt.outcome.epochs] == [
        epoch["metrics"] for epoch in again.outcome.epochs
    ]


def test_every_role_answers_as_before_from_its_file_and_as_its_graph(learnt: Learnt, tmp_path: Path) -> None:
    learnt.network.save(tmp_path / "network.keras")
    loaded = learnt.roles(keras.saving.load_model(tmp_path / "network.keras"))
    roles = learnt.roles(learnt.network)
    assert roles
    for role, again in zip(roles, loaded, strict=True):
        serve, inputs = serving_function(role), role.examples(learnt.rows())
        answers = serve(inputs)
        assert_told(dict(inputs), role.inputs, ROWS)
        assert_told(answers, role.outputs, ROWS)
        assert_told(serve(role.examples(learnt.rows(1))), role.outputs, 1)
        # Numbers that JSON does not know are refused here.
        json.dumps({name: answer.tolist() for name, answer in answers.items()}, allow_nan=False)
        for name, answer in serving_function(again)(inputs).items():
            np.testing.assert_array_equal(answer, answers[name])
        export_onnx(role, tmp_path / "graph.onnx")
        proof = parity(role, serve, tmp_path / "graph.onnx", inputs)
        assert proof.max_difference <= TOLERANCE, role.name
        operators = {node.op_type for node in onnx.load(tmp_path / "graph.onnx").graph.node}
        assert not operators & {"Loop", "Scan"}
