from pathlib import Path
from random import Random

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from models.adversarial_losses import discriminator_loss, generator_loss, gradient_penalty
from models.lesson import TrainingData
from models.outline import outline
from models.presets import SpecError, resolve
from models.registry import build, roles_of
from models.schema import Column, InputSchema
from models.specs.activations import Activation
from models.specs.gan import GanSpec
from models.statistics import measure
from models.training import TrainingOutcome, train

IMAGES = InputSchema(shape=(8, 8, 1), classes=10, high=16.0, labels=tuple("0123456789"))
VECTORS = InputSchema(shape=(100,))
DIGITS = load_digits()
DENSE = {"latent": 8, "generator": [16], "discriminator": [16]}
DRAWN = {"latent": 8, "filters": [4, 6], "batch_normalization": True, "dropout": 0.2}


def data_of(x: np.ndarray, y: np.ndarray, source: InputSchema) -> TrainingData:
    rows, split = np.arange(len(x)), len(x) * 4 // 5
    return TrainingData(x, y, rows[:split], rows[split:], source, measure(x, y, rows[:split], source))


DATA = data_of(DIGITS.images[:200, ..., None].astype(np.float32), DIGITS.target[:200], IMAGES)


def run(network: dict, data: TrainingData = DATA, **training) -> tuple[GanSpec, keras.Model, TrainingOutcome]:
    specs = resolve({"family": "gan"} | network, {"epochs": 2, "batch_size": 32} | training, data.source)
    spec = specs.network
    assert isinstance(spec, GanSpec)
    built = build(spec, data.source, data.statistics, seed=specs.training.seed)
    outcome = train(built, spec, specs.training, data, report=lambda *_: None, should_stop=lambda: False)
    return spec, built, outcome


def samples(spec: GanSpec, network: keras.Model, source: InputSchema, count: int = 6) -> np.ndarray:
    (role,) = roles_of(spec, network, source)
    inputs = {name: tf.constant(value) for name, value in role.examples(np.zeros(count)).items()}
    assert list(inputs) == [tensor.name for tensor in role.inputs]
    made: np.ndarray = role.function(inputs)["sample"].numpy()
    assert made.shape == (count, *role.outputs[0].shape) == (count, *source.shape)
    return made


def weights_of(network: keras.Model, player: str) -> np.ndarray:
    return np.concatenate([v.numpy().ravel() for v in network.get_layer(player).trainable_variables])


def flattened(network: keras.Model) -> list[tuple[str, tuple[int, ...], int]]:
    """The layers of a network and of the networks in it, without the inputs of these."""
    found = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += [
                each for each in flattened(layer) if not each[0].startswith(("input_layer", "keras_tensor"))
            ]
        else:
            count = layer.count_params() if layer.weights else 0
            found.append((layer.name, tuple(layer.output.shape[1:]), count))
    return found


def random_spec(random: Random) -> tuple[GanSpec, InputSchema]:
    images = random.random() < 0.7
    shape = (random.randint(3, 13), random.randint(3, 13), random.choice([1, 3])) if images else (20,)
    fields = {
        "latent": random.randint(1, 9),
        "conditional": random.random() < 0.5,
        "filters": [random.randint(1, 5) for _ in range(random.randint(0, 3) if images else 0)],
        "kernel": random.randint(2, 5),
        "generator": [random.randint(1, 9) for _ in range(random.randint(0, 2))],
        "discriminator": [random.randint(1, 9) for _ in range(random.randint(0, 2))],
        "activation": random.choice(Activation.__args__),
        "bias": random.random() < 0.5,
        "batch_normalization": random.random() < 0.5,
        "dropout": random.choice([0.0, 0.3]),
    }
    return GanSpec.model_validate(fields), InputSchema(shape=shape, classes=random.randint(2, 5))


def agree(specs: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(specs):
        spec, source = random_spec(random)
        expected = outline(spec, source, 1)
        network = build(spec, source, seed=0)
        found = flattened(network)
        assert found == [(layer.name, layer.shape, layer.parameters) for layer in expected.layers], spec
        assert network.count_params() == expected.parameters, spec


def test_the_outlines_of_20_random_specs_equal_what_keras_builds():
    agree(20, seed=1)


@pytest.mark.long
def test_the_outlines_of_200_random_specs_equal_what_keras_builds():
    agree(200, seed=2)


@pytest.mark.parametrize(
    ("network", "source"),
    [
        (DENSE, VECTORS),
        (DENSE | {"loss": "wgan_gp", "critic_steps": 2}, VECTORS),
        (DRAWN, IMAGES),
        (DRAWN | {"conditional": True, "loss": "hinge"}, IMAGES),
        (DRAWN | {"loss": "wgan_gp", "conditional": True}, InputSchema(shape=(9, 7, 3), classes=2)),
        (DENSE, InputSchema(shape=(6, 3))),
    ],
)
def test_a_saved_network_makes_the_same_rows(network: dict, source: InputSchema, tmp_path: Path):
    generator = np.random.default_rng(0)
    x = generator.uniform(source.low, source.high, (60, *source.shape)).astype(np.float32)
    y = generator.integers(0, source.classes or 1, 60)
    spec, trained, outcome = run(network, data_of(x, y, source), epochs=1)
    figures = outcome.epochs[0]["metrics"]
    assert set(figures) == {
        "generator_loss", "discriminator_loss", "sample_variance", "learning_rate",
        "val_generator_loss", "val_discriminator_loss", "val_sample_variance",
    }  # fmt: skip
    assert all(np.isfinite(value) for value in figures.values())
    made = samples(spec, trained, source)
    trained.save(tmp_path / "network.keras")
    again = samples(spec, keras.saving.load_model(tmp_path / "network.keras"), source)
    np.testing.assert_array_equal(made, again)


@pytest.mark.parametrize(
    "network", [DRAWN | {"conditional": True}, DENSE | {"loss": "wgan_gp", "critic_steps": 3}]
)
def test_the_same_seed_gives_the_same_bits(network: dict):
    (_, first, one), (_, again, two), (_, other, _) = run(network), run(network), run(network, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    assert [epoch["metrics"] for epoch in one.epochs] == [epoch["metrics"] for epoch in two.epochs]
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_the_textbook_players_have_the_parameters_of_the_textbook():
    spec = resolve({"preset": "dense-gan"}, None, VECTORS).network
    network = build(spec, VECTORS, seed=0)
    assert network.get_layer("generator").count_params() == 803_328
    assert network.get_layer("discriminator").count_params() == 790_657
    assert outline(spec, VECTORS, 16).parameters == 803_328 + 790_657


def test_samples_are_in_the_range_of_the_dataset():
    source = InputSchema(shape=(8, 8, 1), low=-3.0, high=5.0)
    spec = GanSpec.model_validate(DRAWN)
    network = build(spec, source, seed=0)
    last = network.get_layer("generator").get_layer("output")
    kernel, bias = last.get_weights()
    for sign, expected in ((1, 5.0), (-1, -3.0)):
        last.set_weights([0 * kernel, bias + sign * 100.0])
        np.testing.assert_allclose(samples(spec, network, source), expected, atol=1e-5)
        last.set_weights([kernel, bias])


def test_either_player_moves_by_an_optimizer_of_its_own():
    still = {"name": "sgd", "learning_rate": 1e-9}
    for player, other in (("generator", "discriminator"), ("discriminator", "generator")):
        _, trained, _ = run(DENSE | {f"{player}_optimizer": still}, epochs=1)
        new = build(resolve({"family": "gan"} | DENSE, None, IMAGES).network, IMAGES, seed=0)
        np.testing.assert_allclose(weights_of(trained, player), weights_of(new, player), atol=1e-6)
        assert np.abs(weights_of(trained, other) - weights_of(new, other)).max() > 1e-4


def test_the_generator_waits_for_its_turn():
    # Five steps an epoch.
    for turns, moves in ((5, True), (6, False)):
        _, trained, _ = run(DENSE | {"critic_steps": turns}, epochs=1)
        new = build(resolve({"family": "gan"} | DENSE, None, IMAGES).network, IMAGES, seed=0)
        assert np.array_equal(weights_of(trained, "generator"), weights_of(new, "generator")) != moves


def test_the_losses_are_those_of_the_literature():
    real, made = tf.constant([[2.0], [-1.0]]), tf.constant([[0.5], [-3.0]])

    def sure(score: float) -> float:
        return 1 / (1 + np.exp(-score))

    def losses(**fields) -> list[float]:
        spec = GanSpec.model_validate(fields)
        return [float(discriminator_loss(spec, real, made)), float(generator_loss(spec, made))]

    smooth = [
        -0.9 * np.log(sure(r)) - 0.1 * np.log(1 - sure(r)) - np.log(1 - sure(m))
        for r, m in ((2.0, 0.5), (-1.0, -3.0))
    ]
    saturated = -np.mean([np.log(sure(0.5)), np.log(sure(-3.0))])
    assert losses(loss="bce", label_smoothing=0.1) == pytest.approx([np.mean(smooth), saturated], rel=1e-5)
    assert losses(loss="hinge") == pytest.approx([(0 + 1.5 + 2 + 0) / 2, 1.25], rel=1e-5)
    assert losses(loss="wgan_gp") == pytest.approx([-1.25 - 0.5, 1.25], rel=1e-5)


def test_a_score_of_slope_3_is_fined_by_4():
    points = tf.random.stateless_normal([5, 2, 2], [0, 0])
    fine = gradient_penalty(lambda rows: 1.5 * tf.reduce_sum(rows, [1, 2])[:, None], points)
    assert float(fine) == pytest.approx((3.0 - 1.0) ** 2, rel=1e-4)


def test_a_generator_that_makes_one_row_only_has_no_variance():
    still = {"name": "sgd", "learning_rate": 1e-12}
    specs = resolve({"family": "gan"} | DENSE, {"epochs": 1, "optimizer": still}, IMAGES)

    def variance(share: float) -> float:
        network = build(specs.network, IMAGES, seed=0)
        last = network.get_layer("generator").get_layer("output")
        last.set_weights([share * last.get_weights()[0], last.get_weights()[1] + 0.5])
        outcome = train(
            network, specs.network, specs.training, DATA, report=lambda *_: None, should_stop=lambda: False
        )
        figures = outcome.epochs[0]["metrics"]
        assert figures["sample_variance"] == pytest.approx(figures["val_sample_variance"], rel=0.5, abs=1e-6)
        return figures["val_sample_variance"]

    assert variance(0.0) == pytest.approx(0, abs=1e-6)
    assert 0.01 < variance(1.0) < 10


@pytest.mark.parametrize(
    ("fields", "source", "place", "says"),
    [
        ({}, InputSchema(shape=(5,), vocabulary=9, dtype="int32"), "family", "text"),
        (
            {},
            InputSchema(shape=(1,), columns=(Column(name="colour", kind="category", categories=("red",)),)),
            "family",
            "'colour'",
        ),
        ({"filters": [4]}, VECTORS, "filters", "vectors"),
        ({"conditional": True}, VECTORS, "conditional", "no classes"),
        ({"loss": "hinge", "label_smoothing": 0.1}, IMAGES, "label_smoothing", "hinge"),
        ({}, InputSchema(shape=(8, 8, 1), low=1.0, high=1.0), "family", "same value"),
    ],
)
def test_what_does_not_fit_the_rows_is_refused(fields: dict, source: InputSchema, place: str, says: str):
    with pytest.raises(SpecError) as raised:
        outline(GanSpec.model_validate(fields), source, 1)
    (problem,) = raised.value.errors
    assert problem.pointer == f"/network/{place}"
    assert says in problem.message
