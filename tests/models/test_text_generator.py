from pathlib import Path
from random import Random

import keras
import numpy as np
import pytest

from models.asking import Arrays
from models.export import export_onnx, parity, serving_function
from models.lesson import TrainingData
from models.outline import outline
from models.presets import SpecError, resolve
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.text_generator import TextGeneratorSpec
from models.statistics import neutral
from models.tensor_names import NEVER
from models.training import TrainingOutcome, train

SOURCE = InputSchema(shape=(9,), dtype="int32", vocabulary=12)
TINY = {"family": "text_generator", "embedding_size": 5, "units": [7]}
# What repeats itself can be learnt: 2 3 4 5 2 3 …
REPEATED = np.resize(np.arange(2, 6), (40, 9)).astype(np.int32)
VARIANTS = [
    TINY,
    TINY | {"cell": "gru", "units": [6, 5], "dropout": 0.2},
    TINY | {"inputs": "one_hot", "units": [4, 3, 2]},
]


def learnt(
    network: dict, x: np.ndarray = REPEATED, validation: int = 8, **training: object
) -> tuple[keras.Model, TrainingOutcome]:
    source = SOURCE.model_copy(update={"shape": x.shape[1:]})
    specs = resolve(network, {"epochs": 2, "batch_size": 8} | training, source)
    built = build(specs.network, source, seed=specs.training.seed)
    rows = np.arange(len(x))
    y = np.zeros(len(x), np.int64)
    train_rows, validation_rows = rows[: len(x) - validation], rows[len(x) - validation :]
    data = TrainingData(x, y, train_rows, validation_rows, source, neutral(source))
    calls = {"report": lambda kind, figures: None, "should_stop": lambda: False}
    return built, train(built, specs.network, specs.training, data, **calls)


@pytest.fixture(scope="module", params=VARIANTS, ids=["lstm", "two grus", "one-hot, three lstms"])
def trained(request: pytest.FixtureRequest) -> tuple[TextGeneratorSpec, keras.Model]:
    return TextGeneratorSpec.model_validate(request.param), learnt(request.param)[0]


def test_a_trained_network_is_saved_as_it_is(trained: tuple[TextGeneratorSpec, keras.Model], tmp_path: Path):
    _, network = trained
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    rows = REPEATED[:6, :-1]
    assert np.array_equal(network(rows), loaded(rows))


def test_the_graph_of_a_step_answers_as_the_network_does(
    trained: tuple[TextGeneratorSpec, keras.Model], tmp_path: Path
):
    (role,) = roles_of(*trained, SOURCE)
    export_onnx(role, tmp_path / "step.onnx")
    proof = parity(role, serving_function(role), tmp_path / "step.onnx", role.examples(REPEATED))
    assert proof.passed
    assert proof.max_difference < 1e-5


def test_a_graph_that_answers_otherwise_does_not_pass_for_the_size_of_what_is_never_drawn(
    trained: tuple[TextGeneratorSpec, keras.Model], tmp_path: Path
):
    (role,) = roles_of(*trained, SOURCE)
    export_onnx(role, tmp_path / "step.onnx")
    serve = serving_function(role)

    def otherwise(inputs: Arrays) -> dict[str, np.ndarray]:
        answers = serve(inputs)
        return answers | {"logits": np.where(answers["logits"] > NEVER, answers["logits"] + 0.01, NEVER)}

    assert not parity(role, otherwise, tmp_path / "step.onnx", role.examples(REPEATED)).passed


def test_steps_from_zero_states_answer_as_the_whole_network_does(
    trained: tuple[TextGeneratorSpec, keras.Model],
):
    spec, network = trained
    (role,) = roles_of(spec, network, SOURCE)
    ids = np.random.default_rng(0).integers(0, 12, (4, 8)).astype(np.int32)
    whole = network(ids).numpy()
    states = {tensor.name: np.zeros((4, *tensor.shape), np.float32) for tensor in role.inputs[1:]}
    for place in range(8):
        answers = role.function({"token": ids[:, place], **states})
        logits = np.asarray(answers["logits"])
        np.testing.assert_allclose(logits[:, 1:], whole[:, place, 1:], atol=1e-5)
        assert (logits[:, 0] == NEVER).all()
        states = {name: answers[f"next_{name}"] for name in states}


def test_the_step_has_two_states_for_each_lstm_and_one_for_each_gru():
    for cell, states in (("lstm", [(6,), (6,), (3,), (3,)]), ("gru", [(6,), (3,)])):
        spec = TextGeneratorSpec.model_validate(TINY | {"cell": cell, "units": [6, 3]})
        (role,) = roles_of(spec, build(spec, SOURCE, seed=0), SOURCE)
        assert [tensor.shape for tensor in role.inputs] == [(), *states]
        assert [tensor.shape for tensor in role.outputs] == [(12,), *states]
        assert role.outputs[-1].name == f"next_state_{len(states)}"


def test_the_loss_is_the_mean_entropy_of_the_tokens_that_are_no_padding():
    x = REPEATED.copy()
    x[::2, 3:] = 0
    network = TINY | {"units": [4]}
    built, outcome = learnt(network, x, validation=len(x) - 8, epochs=1)
    figures = outcome.epochs[0]["metrics"]
    rows = x[8:]
    logits = built(rows[:, :-1]).numpy().astype(np.float64)
    asked = rows[:, 1:]
    entropies = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, asked[..., None], -1)[..., 0]
    counted = asked != 0
    assert figures["val_loss"] == pytest.approx(entropies[counted].mean(), rel=1e-5)
    assert figures["val_accuracy"] == pytest.approx((logits.argmax(-1) == asked)[counted].mean())


def test_padding_changes_no_weight():
    shorter, padded = REPEATED[:16, :5], np.pad(REPEATED[:16, :5], [(0, 0), (0, 4)])
    weights = [
        [variable.numpy() for variable in learnt(TINY, x, validation=0, epochs=1)[0].trainable_variables]
        for x in (shorter, padded)
    ]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_batch_of_padding_alone_is_no_division_by_zero():
    x = np.zeros_like(REPEATED)
    x[:, 0] = 2
    _, outcome = learnt(TINY, x)
    assert outcome.epochs[-1]["metrics"]["loss"] == 0


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_what_repeats_itself_is_learnt(cell: str):
    rate = {"name": "adam", "learning_rate": 0.03}
    _, outcome = learnt(TINY | {"cell": cell}, epochs=25, optimizer=rate)
    assert outcome.epochs[-1]["metrics"]["val_accuracy"] > 0.95


def test_the_same_order_gives_the_same_bits():
    first, again = (learnt(TINY | {"dropout": 0.5}, validation=0)[0] for _ in range(2))
    pairs = zip(first.variables, again.variables, strict=True)
    assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in pairs)


def random_spec(random: Random) -> tuple[TextGeneratorSpec, InputSchema]:
    spec = {
        "inputs": random.choice(["embedding", "one_hot"]),
        "embedding_size": random.randint(1, 9),
        "cell": random.choice(["lstm", "gru"]),
        "units": [random.randint(1, 9) for _ in range(random.randint(1, 3))],
        "dropout": random.choice([0.0, 0.3]),
    }
    source = InputSchema(shape=(random.randint(2, 12),), vocabulary=random.randint(3, 20))
    return TextGeneratorSpec.model_validate(spec), source


def agree(specs: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(specs):
        spec, source = random_spec(random)
        network = build(spec, source, seed=0)
        found = [
            (layer.name, tuple(layer.output.shape[1:]), layer.count_params() if layer.weights else 0)
            for layer in network.layers
        ]
        expected = outline(spec, source, 1)
        assert found == [(layer.name, layer.shape, layer.parameters) for layer in expected.layers], spec
        assert network.count_params() == expected.parameters, spec


def test_the_outlines_of_20_random_specs_equal_what_keras_builds():
    agree(20, seed=1)


@pytest.mark.long
def test_the_outlines_of_200_random_specs_equal_what_keras_builds():
    agree(200, seed=2)


def test_the_character_models_have_the_parameters_of_the_textbooks():
    source = InputSchema(shape=(101,), vocabulary=65)
    counts = [
        outline(resolve({"preset": name}, None, source).network, source, 64).parameters
        for name in ("char-lstm", "char-gru")
    ]
    # 65 · 64 of the embedding, 4 · (64 + 128 + 1) · 128 of the gates, 129 · 65 of the answer.
    assert counts == [4160 + 98_816 + 8385, 4160 + 74_496 + 8385]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (InputSchema(shape=(8, 8, 1), classes=10), "wrong_kind"),
        (InputSchema(shape=(20,), classes=10), "wrong_kind"),
        (InputSchema(shape=(1,), vocabulary=10), "too_short"),
    ],
)
def test_rows_that_are_no_text_are_refused(source: InputSchema, code: str):
    with pytest.raises(SpecError) as raised:
        resolve({"family": "text_generator"}, None, source)
    assert [(problem.pointer, problem.code) for problem in raised.value.errors] == [("/network/family", code)]


def test_texts_with_labels_are_learnt_from_as_well():
    labelled = SOURCE.model_copy(update={"classes": 3})
    assert resolve(TINY, None, labelled).network == resolve(TINY, None, SOURCE).network
