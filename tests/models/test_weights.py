"""Weights of rows in the loss: of training and of validation, and of nothing else."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from models.batches import order_of
from models.chunks import Feed
from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import measure
from models.training import TrainingOutcome, train

GENERATOR = np.random.default_rng(0)
ROWS = 60
NUMBERS = np.arange(ROWS)
WEIGHTS = GENERATOR.choice([0.0, 0.5, 1.0, 3.0], ROWS).astype(np.float32)
CLASSES = InputSchema(shape=(4,), classes=3, labels=("a", "b", "c"))
VALUES = InputSchema(shape=(4,), targets=2)
SERIES = InputSchema(kind="sequences", shape=(5, 2))
IMAGES = InputSchema(shape=(8, 8, 1), classes=3)
MLP: dict[str, Any] = {"family": "mlp", "dense": [6]}
SGD = {"name": "sgd", "learning_rate": 0.1}


def data_of(source: InputSchema, weights: np.ndarray | None = None) -> TrainingData:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(ROWS, *source.shape)).astype(np.float32)
    y = NUMBERS % 3
    if source.targets:
        y = generator.normal(size=(ROWS, source.targets)).astype(np.float32)
    return TrainingData(
        x, y, NUMBERS[:40], NUMBERS[40:], source, measure(x, y, NUMBERS[:40], source), weights
    )


def learnt(
    data: TrainingData, network: dict[str, Any] = MLP, **training: Any
) -> tuple[keras.Model, TrainingOutcome]:
    """Train as a job would that is sent this."""
    specs = resolve(network, {"epochs": 2, "batch_size": 16, "optimizer": SGD} | training, data.source)
    built = build(specs.network, data.source, data.statistics, seed=0)
    outcome = train(
        built, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False
    )
    return built, outcome


@pytest.mark.parametrize(
    ("source", "network"),
    [(CLASSES, MLP), (VALUES, MLP), (SERIES, {"family": "rnn", "layers": [3]})],
    ids=["classification", "regression", "forecasting"],
)
def test_a_row_of_weight_two_teaches_as_two_copies_of_it_do(
    source: InputSchema, network: dict[str, Any]
) -> None:
    twice, once = NUMBERS[:5], NUMBERS[5:20]
    weights = np.ones(ROWS, np.float32)
    weights[twice] = 2.0
    weighted = replace(data_of(source, weights), train_rows=NUMBERS[:20])
    copied = replace(data_of(source), train_rows=np.concatenate([twice, twice, once]))
    # Both are means over rows, of which there are 20 and 25.
    rates = {len(each.train_rows): 0.1 * len(each.train_rows) / 25 for each in (weighted, copied)}
    moved = [
        learnt(data, network, epochs=1, batch_size=64,
               optimizer={"name": "sgd", "learning_rate": rates[len(data.train_rows)]})[0].get_weights()
        for data in (weighted, copied)
    ]  # fmt: skip
    specs = resolve(network, None, source)
    untaught = build(specs.network, source, weighted.statistics, seed=0).get_weights()
    assert any(np.abs(mine - start).max() > 1e-3 for mine, start in zip(moved[0], untaught, strict=True))
    for mine, other in zip(*moved, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)


def test_rows_and_classes_are_weighted_as_keras_does() -> None:
    data = data_of(CLASSES, WEIGHTS)
    _, outcome = learnt(data, class_weight={"b": 5.0})
    specs = resolve(MLP, None, CLASSES)
    theirs = build(specs.network, CLASSES, data.statistics, seed=0)
    theirs.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    of_classes = np.array([1.0, 5.0, 1.0], np.float32)
    for epoch in range(2):
        order = order_of(data.train_rows, 0, epoch)
        fitted = theirs.fit(
            data.x[order],
            data.y[order],
            # Keras takes one or the other.
            sample_weight=data.weights[order] * of_classes[data.y[order]],
            batch_size=16,
            shuffle=False,
            verbose=0,
            validation_data=(data.x[40:], data.y[40:], data.weights[40:]),
            validation_batch_size=32,
        ).history
        figures = outcome.epochs[epoch]["metrics"]
        for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
            assert figures[name] == pytest.approx(fitted[name][0], rel=1e-4), name


def test_validation_errors_are_weighted_and_other_figures_are_not() -> None:
    data = data_of(VALUES, WEIGHTS)
    network, outcome = learnt(data, epochs=1)
    best = outcome.epochs[0]["metrics"]
    difference = (network(data.x[40:]).numpy() - data.y[40:]) / np.array(data.statistics.targets.deviations)
    squares = np.square(difference) * WEIGHTS[40:, None]
    assert best["val_loss"] == pytest.approx(squares.mean(), rel=1e-4)
    assert best["val_mae"] == pytest.approx(np.abs(difference).mean(), rel=1e-4)


@pytest.mark.parametrize("resident_bytes", [0, 10**9])
def test_rows_bring_their_weights_from_memory_and_from_a_map(resident_bytes: int) -> None:
    data = data_of(CLASSES, WEIGHTS)
    feed = Feed(data.x, data.y, resident_bytes, weights=WEIGHTS)
    assert feed.is_resident == bool(resident_bytes)
    wanted = np.array([[7, 3], [3, 30]])
    given = feed.arguments(wanted)
    assert [each.shape for each in given] == [each.shape for each in feed.signature(2, 2)]
    x, y, weight = feed.rows(given)
    np.testing.assert_array_equal(x, data.x[wanted])
    np.testing.assert_array_equal(y, data.y[wanted])
    np.testing.assert_array_equal(weight, WEIGHTS[wanted])


def test_what_is_mixed_in_brings_its_weight() -> None:
    data = data_of(IMAGES, np.where(NUMBERS % 3 == 1, 0, 1).astype(np.float32))
    network: dict[str, Any] = {"family": "cnn", "blocks": [{"filters": 4}]}
    mixup = [{"name": "mixup", "alpha": 1.0}]
    built, _ = learnt(
        data, network, epochs=40, augmentation=mixup, optimizer={"name": "adam", "learning_rate": 0.05}
    )
    # The second class weighs nothing, whether rows of it are mixed into others or others into them.
    assert built(data.x)[:, 1].numpy().mean() < 0.05


@pytest.mark.parametrize(
    "network",
    [
        {"family": "autoencoder", "dense": [], "latent": 2},
        {"family": "gan", "latent": 2, "generator": [4], "discriminator": [4]},
    ],
    ids=["autoencoder", "gan"],
)
def test_families_that_do_not_weigh_rows_learn_as_without_weights(network: dict[str, Any]) -> None:
    weighted, plain = (learnt(data_of(VALUES, each), network)[0].get_weights() for each in (WEIGHTS, None))
    assert all(np.array_equal(one, same) for one, same in zip(weighted, plain, strict=True))
