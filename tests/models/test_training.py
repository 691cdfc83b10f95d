import time
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from models.batches import order_of
from models.lesson import TrainingData
from models.loop import Diverged, TrainingOutcome
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import neutral
from models.training import train

SOURCE = InputSchema(shape=(8, 8, 1), classes=10, high=16.0, labels=tuple("0123456789"))
TINY = {"family": "cnn", "blocks": [{"filters": 4, "pooling": "max"}]}
DIGITS = load_digits()
DATA = TrainingData(
    DIGITS.images[:300, ..., None].astype(np.float32),
    DIGITS.target[:300],
    np.arange(250),
    np.arange(250, 300),
    SOURCE,
    neutral(SOURCE),
)


def run(
    network: dict, training: dict, data: TrainingData = DATA, **calls: Any
) -> tuple[keras.Model, TrainingOutcome, list[tuple[str, dict]]]:
    """Train a network, and keep what was reported."""
    specs = resolve(network, training, SOURCE)
    built = build(specs.network, SOURCE, seed=specs.training.seed)
    said: list[tuple[str, dict]] = []
    calls = {
        "report": lambda kind, figures: said.append((kind, figures)),
        "should_stop": lambda: False,
    } | calls
    outcome = train(built, specs.network, specs.training, data, **calls)
    return built, outcome, said


def weights_of(network: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.variables]


def fitted(network: dict, training: dict, class_weight: dict[int, float] | None = None) -> keras.Model:
    """What Keras' own ``fit`` makes of the same rows in the same order."""
    specs = resolve(network, training, SOURCE)
    built = build(specs.network, SOURCE, seed=specs.training.seed)
    adam = keras.optimizers.Adam(specs.training.optimizer.learning_rate)
    built.compile(optimizer=adam, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(specs.training.epochs):
        order = order_of(DATA.train_rows, specs.training.seed, epoch)
        built.history_of_epoch = built.fit(
            DATA.x[order],
            DATA.y[order],
            batch_size=specs.training.batch_size,
            shuffle=False,
            verbose=0,
            class_weight=class_weight,
        ).history
    return built


@pytest.mark.parametrize(
    "network", [TINY, TINY | {"l2": 0.1}, TINY | {"blocks": [{"filters": 4, "batch_normalization": True}]}]
)
def test_it_is_what_keras_fit_does_in_the_same_order_with_a_smaller_last_batch(network: dict):
    training = {"epochs": 3, "batch_size": 64, "validation": 0}
    ours, outcome, _ = run(network, training, replace(DATA, validation_rows=np.arange(0)))
    theirs = fitted(network, training)
    for mine, other in zip(weights_of(ours), weights_of(theirs)[: len(weights_of(ours))], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4)
    metrics = outcome.epochs[-1]["metrics"]
    assert metrics["loss"] == pytest.approx(theirs.history_of_epoch["loss"][0], rel=1e-4)
    assert metrics["accuracy"] == pytest.approx(theirs.history_of_epoch["accuracy"][0], abs=0.01)


def test_classes_are_weighted_as_keras_weights_them():
    training = {"epochs": 2, "batch_size": 64, "class_weight": {"3": 5.0, "7": 0.0}, "validation": 0}
    ours, _, _ = run(TINY, training, replace(DATA, validation_rows=np.arange(0)))
    theirs = fitted(TINY, training, {label: {3: 5.0, 7: 0.0}.get(label, 1.0) for label in range(10)})
    for mine, other in zip(weights_of(ours), weights_of(theirs), strict=False):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4)


RANDOM_PARTS = {
    "epochs": 3,
    "augmentation": [{"name": "rotation"}, {"name": "zoom"}, {"name": "flip"}],
    "optimizer": {"name": "rmsprop", "schedule": {"name": "cosine", "warmup_epochs": 0.5}},
}


def test_the_same_order_gives_the_same_bits():
    first, outcome, _ = run(TINY | {"dropout": 0.5}, RANDOM_PARTS)
    again, repeated, _ = run(TINY | {"dropout": 0.5}, RANDOM_PARTS)
    assert all(np.array_equal(a, b) for a, b in zip(weights_of(first), weights_of(again), strict=True))
    assert [e["metrics"] for e in outcome.epochs] == [e["metrics"] for e in repeated.epochs]
    other, _, _ = run(TINY | {"dropout": 0.5}, RANDOM_PARTS | {"seed": 1})
    assert not np.array_equal(weights_of(first)[0], weights_of(other)[0])


@pytest.mark.parametrize("name", ["noise", "mixup", "cutmix"])
def test_a_random_change_of_rows_repeats_and_changes_what_is_learnt(name: str):
    training = {"epochs": 2, "augmentation": [{"name": name}]}
    first, same = (weights_of(run(TINY, training)[0]) for _ in range(2))
    plain = weights_of(run(TINY, {"epochs": 2})[0])
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.allclose(first[0], plain[0], atol=1e-5)


def test_each_epoch_is_reported_with_its_figures():
    _, outcome, said = run(
        TINY, {"epochs": 3, "optimizer": {"name": "adam", "schedule": {"name": "step", "every_epochs": 1}}}
    )
    epochs = [figures for kind, figures in said if kind == "epoch"]
    assert [(figures["epoch"], figures["epochs"], figures["step"]) for figures in epochs] == [
        (1, 3, 4), (2, 3, 8), (3, 3, 12),
    ]  # fmt: skip
    assert set(epochs[0]["metrics"]) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert [figures["metrics"]["learning_rate"] for figures in epochs] == pytest.approx(
        [0.001, 0.0005, 0.00025]
    )
    assert epochs[-1]["eta"] == 0
    assert all(figures["seconds"] > 0 for figures in epochs)
    assert outcome.epochs == epochs
    assert outcome.stop_reason == "completed"


def test_the_rate_falls_on_a_plateau_and_every_step_obeys_it():
    schedule = {"name": "plateau", "patience": 1, "min_delta": 1000.0, "factor": 0.001, "least_factor": 1e-6}
    fast = {"epochs": 4, "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": schedule}}
    network, outcome, _ = run(TINY, fast)
    rates = [epoch["metrics"]["learning_rate"] for epoch in outcome.epochs]
    assert rates == pytest.approx([0.1, 0.1, 1e-4, 1e-7], rel=1e-5)
    losses = [epoch["metrics"]["loss"] for epoch in outcome.epochs]
    assert losses[1] - losses[2] > 100 * abs(losses[2] - losses[3])
    again, _, _ = run(TINY, fast)
    assert all(np.array_equal(a, b) for a, b in zip(weights_of(network), weights_of(again), strict=True))


def test_progress_within_an_epoch_is_reported_about_twice_a_second():
    def slow() -> bool:
        time.sleep(0.2)
        return False

    _, _, said = run(TINY, {"epochs": 1, "batch_size": 4}, should_stop=slow)
    progress = [figures for kind, figures in said if kind == "progress"]
    assert progress
    shares = [figures["share"] for figures in progress]
    assert shares == sorted(shares)
    assert all(0 < share <= 1 for share in shares)
    assert {figures["epoch"] for figures in progress} == {1}


def validation_figures(network: keras.Model) -> tuple[float, float]:
    answer = network(DATA.x[DATA.validation_rows]).numpy()
    y = DATA.y[DATA.validation_rows]
    return -np.log(answer[np.arange(len(y)), y]).mean(), (answer.argmax(1) == y).mean()


# So high a rate makes the loss go up and down.
UNSTEADY = {"epochs": 12, "optimizer": {"name": "adam", "learning_rate": 0.2}}


def test_the_network_is_left_with_the_weights_of_the_lowest_validation_loss():
    network, outcome, _ = run(TINY, UNSTEADY)
    losses = [epoch["metrics"]["val_loss"] for epoch in outcome.epochs]
    assert outcome.best == {
        "epoch": losses.index(min(losses)) + 1,
        "monitor": "val_loss",
        "value": min(losses),
    }
    assert outcome.best["epoch"] < 12, "the example proves nothing when the last epoch is the best"
    assert validation_figures(network)[0] == pytest.approx(min(losses), rel=1e-3)


def test_without_validation_the_last_weights_stay():
    network, outcome, _ = run(TINY, {"epochs": 2}, replace(DATA, validation_rows=np.arange(0)))
    assert outcome.best is None
    assert set(outcome.epochs[0]["metrics"]) == {"loss", "accuracy", "learning_rate"}
    untrained = build(resolve(TINY, None, SOURCE).network, SOURCE, seed=0)
    assert not np.array_equal(weights_of(network)[0], weights_of(untrained)[0])


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_training_ends_when_validation_no_longer_improves(monitor: str):
    stopping = {"monitor": monitor, "patience": 2}
    network, outcome, _ = run(TINY, UNSTEADY | {"epochs": 60, "early_stopping": stopping})
    values = [epoch["metrics"][monitor] for epoch in outcome.epochs]
    sign = 1 if monitor == "val_loss" else -1
    best = min(sign * value for value in values)
    assert outcome.stop_reason == "early_stopping"
    assert len(values) == outcome.best["epoch"] + 2
    assert outcome.best["value"] == sign * best
    assert validation_figures(network)[monitor == "val_accuracy"] == pytest.approx(sign * best, rel=1e-3)


def test_an_improvement_smaller_than_min_delta_is_none():
    stopping = {"patience": 3, "min_delta": 1000.0}
    _, outcome, _ = run(TINY, {"epochs": 30, "early_stopping": stopping})
    assert len(outcome.epochs) == 4
    assert outcome.stop_reason == "early_stopping"


def test_a_training_that_is_stopped_keeps_its_best_network():
    epochs: list[int] = []
    _, outcome, _ = run(
        TINY,
        {"epochs": 1000},
        report=lambda kind, figures: epochs.append(figures["epoch"]) if kind == "epoch" else None,
        should_stop=lambda: len(epochs) == 3,
    )
    assert outcome.stop_reason == "stopped"
    assert len(outcome.epochs) == 3
    assert outcome.best["epoch"] == 3


def test_a_training_that_is_stopped_in_its_first_epoch_keeps_what_it_learnt():
    asked = iter([False, False, True])
    network, outcome, _ = run(TINY, {"epochs": 1000, "batch_size": 1}, should_stop=lambda: next(asked))
    untrained = build(resolve(TINY, None, SOURCE).network, SOURCE, seed=0)
    assert outcome.stop_reason == "stopped"
    assert outcome.epochs == []
    assert not np.array_equal(weights_of(network)[0], weights_of(untrained)[0])


def test_a_training_ends_at_its_time_limit_also_within_an_epoch():
    _, outcome, _ = run(TINY, {"epochs": 10_000, "batch_size": 1, "max_seconds": 0.001})
    assert outcome.stop_reason == "max_seconds"
    assert outcome.epochs == []


# Rectifiers and pooling swallow what is not a number.
LINEAR = {"family": "cnn", "blocks": [{"filters": 4}], "activation": "linear", "scaling": "none"}


def test_a_loss_that_is_not_a_number_ends_the_training_and_names_the_epoch():
    with pytest.raises(Diverged) as raised:
        run(LINEAR, {"epochs": 50, "optimizer": {"name": "sgd", "learning_rate": 10.0, "momentum": 0.9}})
    assert 1 <= raised.value.epoch <= 5
    assert 4 * (raised.value.epoch - 1) < raised.value.step <= 4 * raised.value.epoch


def test_a_validation_loss_that_is_not_a_number_ends_the_training_too():
    x = DATA.x.copy()
    x[DATA.validation_rows[0]] = np.inf
    with pytest.raises(Diverged) as raised:
        run(LINEAR, {"epochs": 3}, replace(DATA, x=x))
    assert raised.value.epoch == 1
