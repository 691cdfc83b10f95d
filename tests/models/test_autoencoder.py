from pathlib import Path
from random import Random

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from models.lesson import TrainingData
from models.outline import outline
from models.presets import SpecError, resolve
from models.registry import build, roles_of
from models.schema import Column, InputSchema
from models.specs.activations import Activation
from models.specs.autoencoder import AutoencoderSpec
from models.specs.training import TrainingSpec
from models.statistics import Statistics, measure
from models.training import TrainingOutcome, train

IMAGES = InputSchema(shape=(8, 8, 1), classes=10, high=16.0, labels=tuple("0123456789"))
VECTORS = InputSchema(shape=(100,))
SEQUENCES = InputSchema(shape=(6, 3))
NUMBERS = InputSchema(shape=(2,), columns=(Column(name="a", kind="number"), Column(name="b", kind="number")))
DIGITS = load_digits()
X = DIGITS.images[:300, ..., None].astype(np.float32)
PLAIN = {"dense": [24], "latent": 6}
CONVOLUTIONAL = {"convolutions": [4, {"filters": 6, "batch_normalization": True}], "dense": [12], "latent": 4}
VARIATIONAL = PLAIN | {"variational": True, "loss": "bce", "kl_warmup_epochs": 2.0}


def data_of(x: np.ndarray, source: InputSchema) -> TrainingData:
    y = np.zeros(len(x), np.int64)
    rows, split = np.arange(len(x)), len(x) * 4 // 5
    return TrainingData(x, y, rows[:split], rows[split:], source, measure(x, y, rows[:split], source))


DATA = data_of(X, IMAGES)


def run(
    network: dict, data: TrainingData = DATA, **training
) -> tuple[AutoencoderSpec, keras.Model, TrainingOutcome]:
    specs = resolve({"family": "autoencoder"} | network, {"epochs": 3} | training, data.source)
    spec = specs.network
    assert isinstance(spec, AutoencoderSpec)
    built = build(spec, data.source, data.statistics, seed=specs.training.seed)
    outcome = train(built, spec, specs.training, data, report=lambda *_: None, should_stop=lambda: False)
    return spec, built, outcome


def built(fields: dict, source: InputSchema = IMAGES, statistics: Statistics | None = None) -> keras.Model:
    return build(AutoencoderSpec.model_validate(fields), source, statistics, seed=1)


def play(spec: AutoencoderSpec, network: keras.Model, source: InputSchema, rows: np.ndarray) -> dict:
    """Return what every role answers to its own examples."""
    answers = {}
    for role in roles_of(spec, network, source):
        inputs = {name: tf.constant(value) for name, value in role.examples(rows).items()}
        assert set(inputs) == {tensor.name for tensor in role.inputs}
        outputs = role.function(inputs)
        for tensor in role.outputs:
            assert tuple(outputs[tensor.name].shape) == (len(rows), *tensor.shape)
            answers[f"{role.name}/{tensor.name}"] = outputs[tensor.name].numpy()
    return answers


def flattened(network: keras.Model) -> list[tuple[str, tuple[int, ...], int]]:
    """The layers of a network and of the networks in it, without their inputs."""
    found = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += flattened(layer)[1:]
        else:
            count = layer.count_params() if layer.weights else 0
            found.append((layer.name, tuple(layer.output.shape[1:]), count))
    return found


def random_spec(random: Random) -> tuple[AutoencoderSpec, InputSchema]:
    source = random.choice([
        InputSchema(shape=(random.randint(3, 13), random.randint(3, 13), random.choice([1, 3]))),
        VECTORS, SEQUENCES, NUMBERS,
    ])  # fmt: skip
    images = source.kind == "images"
    stages = [
        {
            "filters": random.randint(1, 4),
            "kernel": random.randint(1, 4),
            "stride": random.randint(1, 3),
            "batch_normalization": random.random() < 0.3,
        }
        for _ in range(random.randint(0, 3) if images else 0)
    ]
    dense = [
        {
            "units": random.randint(1, 9),
            "activation": random.choice([None, *Activation.__args__]),
            "batch_normalization": random.random() < 0.3,
            "dropout": random.choice([0.0, 0.5]),
        }
        for _ in range(random.randint(0, 2))
    ]
    variational = random.random() < 0.4
    fields = {
        "scaling": random.choice(["unit", "none"] if images else ["unit", "standard", "none"]),
        "convolutions": stages,
        "dense": dense,
        "latent": random.randint(1, 5),
        "latent_dropout": 0.0 if variational else random.choice([0.0, 0.5]),
        "noise": random.choice([0.0, 0.1]),
        "l2": random.choice([0.0, 0.01]),
        "variational": variational,
    }
    return AutoencoderSpec.model_validate(fields), source


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
        (PLAIN, IMAGES),
        (CONVOLUTIONAL, IMAGES),
        (VARIATIONAL, IMAGES),
        (CONVOLUTIONAL | {"variational": True}, InputSchema(shape=(7, 5, 3))),
        (PLAIN, VECTORS),
        (PLAIN, SEQUENCES),
        (PLAIN | {"scaling": "standard"}, NUMBERS),
    ],
)
def test_every_role_answers_alike_when_the_network_was_saved_and_loaded(
    network: dict, source: InputSchema, tmp_path: Path
):
    x = np.random.default_rng(0).uniform(0, source.high, (40, *source.shape)).astype(np.float32)
    spec, trained, outcome = run(network, data_of(x, source), epochs=1)
    assert np.isfinite(outcome.epochs[0]["metrics"]["loss"])
    before = play(spec, trained, source, x[:5])
    trained.save(tmp_path / "network.keras")
    after = play(spec, keras.saving.load_model(tmp_path / "network.keras"), source, x[:5])
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])
    np.testing.assert_allclose(trained(x[:5]), before["reconstruct/reconstruction"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        before["decode/reconstruction"], before["reconstruct/reconstruction"], rtol=1e-5, atol=1e-5
    )


def test_it_learns_to_reconstruct():
    _, _, untrained = run(PLAIN, epochs=1)
    spec, network, outcome = run(PLAIN, epochs=40, optimizer={"name": "adam", "learning_rate": 0.003})
    assert outcome.epochs[-1]["metrics"]["val_loss"] < 0.5 * untrained.epochs[-1]["metrics"]["val_loss"]
    errors = play(spec, network, IMAGES, X[240:])["reconstruct/error"]
    best = min(epoch["metrics"]["val_loss"] for epoch in outcome.epochs)
    assert errors.mean() == pytest.approx(best, rel=1e-3), (
        "the error of a row is what the loss is the mean of"
    )


@pytest.mark.parametrize(
    "network", [PLAIN | {"noise": 0.2, "latent_dropout": 0.3}, VARIATIONAL, CONVOLUTIONAL]
)
def test_the_same_seed_gives_the_same_bits(network: dict):
    (_, first, _), (_, again, _), (_, other, _) = run(network), run(network), run(network, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_a_variational_one_tells_reconstruction_and_divergence_apart():
    _, _, outcome = run(VARIATIONAL | {"kl_weight": 0.5})
    figures = outcome.epochs[-1]["metrics"]
    assert figures["val_kl"] > 0
    assert figures["val_loss"] == pytest.approx(
        figures["val_reconstruction"] + 0.5 * figures["val_kl"], rel=1e-5
    )
    assert figures["loss"] == pytest.approx(figures["reconstruction"] + 0.5 * figures["kl"], rel=1e-5)


def test_the_weight_of_the_divergence_rises_in_training_and_never_in_a_score():
    _, _, outcome = run(VARIATIONAL | {"kl_warmup_epochs": 100.0}, epochs=1)
    figures = outcome.epochs[0]["metrics"]
    # Four batches: on the average 2.5 of 400 steps.
    assert figures["loss"] < figures["reconstruction"] + 0.05 * figures["kl"]
    assert figures["val_loss"] == pytest.approx(figures["val_reconstruction"] + figures["val_kl"], rel=1e-5)


def test_the_divergence_is_that_of_the_literature():
    network = built({"dense": [], "latent": 1, "variational": True})
    encoder = network.get_layer("encoder")
    encoder.get_layer("mean").set_weights([np.zeros((64, 1)), np.array([2.0])])
    encoder.get_layer("log_variance").set_weights([np.zeros((64, 1)), np.array([np.log(9.0)])])
    spec = AutoencoderSpec(dense=(), latent=1, variational=True)
    stays = TrainingSpec.model_validate({"epochs": 1, "optimizer": {"name": "sgd", "learning_rate": 1e-9}})
    outcome = train(network, spec, stays, DATA, report=lambda *_: None, should_stop=lambda: False)
    # Of N(2, 3²) from N(0, 1): (μ² + σ² - 1 - ln σ²) / 2.
    assert outcome.epochs[0]["metrics"]["val_kl"] == pytest.approx((4 + 9 - 1 - np.log(9)) / 2, rel=1e-4)


def test_a_sparse_one_has_smaller_codes():
    def codes(sparsity: float) -> float:
        spec, network, _ = run(PLAIN | {"sparsity": sparsity}, epochs=10)
        return float(np.abs(play(spec, network, IMAGES, X[:50])["encode/codes"]).mean())

    assert codes(0.5) < 0.5 * codes(0.0)


def test_noise_is_there_in_training_only():
    network = built(PLAIN | {"noise": 1.0})
    still = [network(X[:3], training=False).numpy() for _ in range(2)]
    assert np.array_equal(*still)
    assert not np.array_equal(still[0], network(X[:3], training=True).numpy())


def test_numbers_become_0_to_1_within_3_deviations_and_the_missing_their_mean():
    x = np.random.default_rng(0).normal(50, 10, (1000, 2)).astype(np.float32)
    statistics = measure(x, np.zeros(1000), np.arange(1000), NUMBERS)
    scaler = built(PLAIN, NUMBERS, statistics).get_layer("scaler")
    means, deviations = (np.array(each) for each in (statistics.inputs.means, statistics.inputs.deviations))
    rows = np.stack([means - 3 * deviations, means + 3 * deviations, [np.nan, means[1]]]).astype(np.float32)
    np.testing.assert_allclose(scaler(rows), [[0, 0], [1, 1], [0.5, 0.5]], atol=1e-5)
    network = built(PLAIN, NUMBERS, statistics)
    np.testing.assert_allclose(network.get_layer("unscaling")(scaler(rows))[:2], rows[:2], rtol=1e-4)


@pytest.mark.parametrize(
    ("fields", "source", "place", "says"),
    [
        ({}, InputSchema(shape=(5,), vocabulary=9, dtype="int32"), "family", "text"),
        ({}, InputSchema(shape=(5, 2), variable_length=True), "family", "length"),
        (
            {},
            InputSchema(shape=(1,), columns=(Column(name="colour", kind="category", categories=("red",)),)),
            "family",
            "'colour'",
        ),
        ({"convolutions": [4]}, VECTORS, "convolutions", "vectors"),
        ({"scaling": "standard"}, IMAGES, "scaling", "unit"),
        ({}, InputSchema(shape=(8, 8, 1), low=1.0, high=1.0), "scaling", "same value"),
        ({"loss": "bce", "output": "linear"}, IMAGES, "loss", "sigmoid"),
        ({"variational": True, "latent_activation": "relu"}, IMAGES, "latent_activation", "linear"),
        ({"variational": True, "sparsity": 0.1}, IMAGES, "sparsity", "at 0"),
    ],
)
def test_what_does_not_fit_the_rows_is_refused(fields: dict, source: InputSchema, place: str, says: str):
    with pytest.raises(SpecError) as raised:
        outline(AutoencoderSpec.model_validate(fields), source, 1)
    (problem,) = raised.value.errors
    assert problem.pointer == f"/network/{place}"
    assert says in problem.message


def test_the_textbook_autoencoder_has_the_parameters_of_the_textbook():
    spec = resolve({"preset": "dense-autoencoder"}, None, VECTORS).network
    assert outline(spec, VECTORS, 64).parameters == 6_532
    layers = [layer for layer in flattened(build(spec, VECTORS, seed=0)) if layer[2]]
    assert [shape for _, shape, _ in layers] == [(32,), (100,)]


@pytest.mark.parametrize("preset", ["dense-autoencoder", "conv-autoencoder", "vae"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (9, 7, 3)])
def test_a_preset_fits_images_of_any_size(preset: str, shape: tuple[int, ...]):
    source = InputSchema(shape=shape, high=255.0)
    network = build(resolve({"preset": preset}, None, source).network, source, seed=0)
    assert tuple(network.output.shape[1:]) == shape
