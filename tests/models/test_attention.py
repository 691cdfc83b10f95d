from random import Random
from typing import Any

import keras
import numpy as np
import pytest

from models.lesson import TrainingData
from models.outline import outline
from models.presets import PRESETS, SpecError, resolve
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.attention import AttentionSpec
from models.statistics import measure
from models.training import train

TEXT = InputSchema(shape=(8,), vocabulary=30, classes=3)
PADDED = InputSchema(kind="sequences", shape=(6, 2), classes=3, variable_length=True)
IDS = np.array([[5, 9, 7, 3, 0, 0, 0, 0]], np.int32)
GATED, SELF = {"name": "gated", "units": 5}, {"name": "self", "heads": 2, "feed_forward": 7}


def built(source: InputSchema = TEXT, **fields: Any) -> keras.Model:
    return build(AttentionSpec.model_validate({"embedding_size": 6} | fields), source, seed=3)


def random_layer(random: Random) -> dict[str, Any]:
    if random.random() < 0.4:
        return {"name": "gated", "units": random.randint(1, 9)}
    return {
        "name": "self",
        "heads": random.randint(1, 4),
        "head_size": random.choice([None, 3]),
        "residual": random.random() < 0.5,
        "feed_forward": random.choice([0, 5]),
        "dropout": random.choice([0.0, 0.1]),
    }


def random_spec(random: Random) -> AttentionSpec:
    return AttentionSpec.model_validate(
        {
            "scaling": random.choice(["standard", "none"]),
            "embedding_size": random.randint(1, 9),
            "positions": random.random() < 0.5,
            "attention": [random_layer(random) for _ in range(random.randint(1, 3))],
            "cell": random.choice(["lstm", "gru", "simple"]),
            "recurrent": random.choice([[], [3], [{"units": 2, "bidirectional": True}, 4]]),
            "pooling": random.choice(["last", "average", "max", "sum"]),
            "dense": random.choice([[], [5], [{"units": 4, "batch_normalization": True, "dropout": 0.1}]]),
            "dropout": random.choice([0.0, 0.3]),
            "l2": random.choice([0.0, 0.01]),
        }
    )


def random_source(random: Random) -> InputSchema:
    asked: dict[str, int] = random.choice([{"classes": 3}, {"targets": 2}, {}])
    match random.choice(["sequences", "text", "images"]):
        case "text":
            return InputSchema(shape=(random.randint(2, 9),), vocabulary=random.randint(3, 50), classes=2)
        case "images":
            return InputSchema(shape=(random.randint(2, 5), 4, 3), **asked or {"classes": 4})
    shape = (random.randint(3, 9), random.randint(1, 4))
    return InputSchema(kind="sequences", shape=shape, variable_length=random.random() < 0.5, **asked)


def shape_of(layer: keras.Layer) -> tuple[int, ...]:
    output = layer.output
    return tuple((output[0] if isinstance(output, list | tuple) else output).shape[1:])


def agree(specs: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(specs):
        spec, source = random_spec(random), random_source(random)
        expected = outline(spec, source, 1)
        network = build(spec, source, seed=0)
        found = [(layer.name, shape_of(layer), layer.count_params()) for layer in network.layers]
        told = [(layer.name, layer.shape, layer.parameters) for layer in expected.layers]
        assert sorted(found) == sorted(told), spec
        assert network.count_params() == expected.parameters, spec


def test_the_outlines_of_20_random_specs_equal_what_keras_builds() -> None:
    agree(20, seed=1)


@pytest.mark.long
def test_the_outlines_of_200_random_specs_equal_what_keras_builds() -> None:
    agree(200, seed=2)


@pytest.mark.parametrize("preset", [name for name, preset in PRESETS.items() if preset.family == "attention"])
def test_a_preset_answers_probabilities_and_attention(preset: str) -> None:
    spec = resolve({"preset": preset}, None, TEXT).network
    network = build(spec, TEXT, seed=0)
    assert network.count_params() == outline(spec, TEXT, 1).parameters
    (role,) = roles_of(spec, network, TEXT)
    answers = role.function({"text": IDS})
    assert {name: value.shape[1:] for name, value in answers.items()} == {
        tensor.name: tensor.shape for tensor in role.outputs
    }
    np.testing.assert_allclose(answers["attention"].numpy().sum(-1).max(), 1, rtol=1e-5)


@pytest.mark.parametrize("rescaled", [True, False])
def test_gated_weights_are_the_softmax_of_what_v_says_of_each_step(rescaled: bool) -> None:
    network = built(attention=[GATED | {"rescaled": rescaled}], pooling="sum", activation="linear")
    embedded = network.get_layer("embedding")(IDS).numpy()[0, :4]
    hidden = np.tanh(embedded @ network.get_layer("attention_1_hidden").get_weights()[0])
    scores = (hidden @ network.get_layer("attention_1_scores").get_weights()[0])[:, 0]
    expected = np.exp(scores) / np.exp(scores).sum()
    probabilities, weights = network(IDS)
    np.testing.assert_allclose(weights[0], [*expected, 0, 0, 0, 0], atol=1e-6)
    kernel, bias = network.get_layer("probabilities").get_weights()
    np.testing.assert_allclose(
        # Of eight steps four are padding.
        probabilities[0],
        keras.ops.softmax((4 if rescaled else 1) * expected @ embedded @ kernel + bias),
        atol=1e-6,
    )


@pytest.mark.parametrize("source", [TEXT, InputSchema(kind="sequences", shape=(8, 6), classes=3)])
def test_gates_that_are_all_alike_leave_steps_as_they_are(source: InputSchema) -> None:
    """So that a recurrent layer behind them is given as much of a long row as of a short one."""
    fields: dict[str, Any] = {"attention": [GATED], "recurrent": [3], "pooling": "last"}
    network, printed = (
        built(source, **fields | {"attention": [GATED | {"rescaled": rescaled}]})
        for rescaled in (True, False)
    )
    given = [
        keras.Model(each.input, keras.tree.flatten(each.get_layer("lstm_1").input)[0])
        for each in (network, printed)
    ]
    for each in (network, printed):
        each.get_layer("attention_1_scores").set_weights([np.zeros((5, 1))])
    rows = np.random.default_rng(0).integers(2, 30, (1, *source.shape)).astype(np.int32)
    before = network.get_layer("embedding" if source.vocabulary else "projection").output
    steps = keras.Model(network.input, before)(rows).numpy()
    np.testing.assert_allclose(given[0](rows), steps, rtol=1e-5)
    np.testing.assert_allclose(given[1](rows), steps / 8, rtol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "average", "max", "sum"])
@pytest.mark.parametrize("recurrent", [[], [3]])
@pytest.mark.parametrize("layer", [GATED, SELF, SELF | {"residual": False}])
def test_padding_changes_no_answer(layer: dict[str, Any], recurrent: list[int], pooling: str) -> None:
    fields = {"attention": [layer, layer], "recurrent": recurrent, "pooling": pooling}
    longer, short = built(**fields), built(TEXT.model_copy(update={"shape": (4,)}), **fields)
    probabilities, weights = longer(IDS)
    expected, expected_weights = short(IDS[:, :4])
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    padding = [(0, 0)] * (1 if layer is GATED else 2)
    widths = [*padding, *[(0, 4)] * (weights.ndim - len(padding))]
    np.testing.assert_allclose(weights, np.pad(expected_weights, widths), atol=1e-6)


def test_the_order_of_steps_counts_only_with_their_places() -> None:
    turned = IDS[:, [3, 1, 2, 0, 4, 5, 6, 7]]
    without, with_places = (built(attention=[SELF], positions=told) for told in (False, True))
    np.testing.assert_allclose(without(IDS)[0], without(turned)[0], atol=1e-6)
    assert np.abs(with_places(IDS)[0] - with_places(turned)[0]).max() > 1e-4


def test_other_rows_are_refused() -> None:
    with pytest.raises(SpecError, match="takes texts, sequences"):
        outline(AttentionSpec(), InputSchema(kind="vectors", shape=(4,), classes=2), 1)


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        (TEXT, {"attention": [SELF | {"dropout": 0.1}], "positions": True}),
        (PADDED, {"attention": [GATED], "recurrent": [3], "pooling": "last"}),
    ],
)
def test_it_trains_twice_to_the_same_bits_and_is_saved_whole(
    source: InputSchema, fields: dict[str, Any], tmp_path: Any
) -> None:
    generator = np.random.default_rng(1)
    x = generator.integers(2, 10, (40, *source.shape)).astype(np.int32 if source.vocabulary else np.float32)
    x[::2, 3:] = 0 if source.vocabulary else np.nan
    y, rows = generator.integers(0, 3, 40), np.arange(40)
    data = TrainingData(x, y, rows[:30], rows[30:], source, measure(x, y, rows[:30], source))
    specs = resolve({"family": "attention", **fields}, {"epochs": 2, "batch_size": 8}, source)
    networks = []
    for _ in range(2):
        network = build(specs.network, source, data.statistics, seed=7)
        outcome = train(
            network, specs.network, specs.training, data,
            report=lambda kind, figures: None, should_stop=lambda: False,
        )  # fmt: skip
        assert np.isfinite(outcome.epochs[-1]["metrics"]["val_loss"])
        networks.append(network)
    bits = zip(*(network.variables for network in networks), strict=True)
    assert all(np.array_equal(a, b) for a, b in bits)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    for mine, other in zip(network(x), loaded(x), strict=True):
        np.testing.assert_array_equal(mine, other)
