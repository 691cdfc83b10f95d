"""Options as they are sent: each changes what is learnt in the way that its name says."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine

from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import measure
from models.training import TrainingOutcome, train

WINE = load_wine()
SOURCE = InputSchema(shape=(13,), classes=3, labels=("a", "b", "c"))
X, Y = WINE.data.astype(np.float32), WINE.target.astype(np.int64)
ORDER = np.random.default_rng(0).permutation(len(X))
DATA = TrainingData(X, Y, ORDER[:140], ORDER[140:], SOURCE, measure(X, Y, ORDER[:140], SOURCE))
SGD = {"name": "sgd", "learning_rate": 0.5}


def learnt(**training: Any) -> tuple[np.ndarray, TrainingOutcome, list[np.ndarray]]:
    """Train as a job would that is sent this; return probabilities of all rows, figures and weights."""
    specs = resolve({"family": "mlp", "dense": [8]}, {"epochs": 10, "batch_size": 28} | training, SOURCE)
    network = build(specs.network, SOURCE, DATA.statistics, seed=specs.training.seed)
    outcome = train(
        network, specs.network, specs.training, DATA, report=lambda *_: None, should_stop=lambda: False
    )
    return network(X, training=False).numpy(), outcome, network.get_weights()


def moved(**training: Any) -> float:
    """Return how far one step moves all weights together."""
    specs = resolve({"family": "mlp", "dense": [8]}, None, SOURCE)
    start = build(specs.network, SOURCE, DATA.statistics, seed=0).get_weights()
    _, _, weights = learnt(epochs=1, batch_size=140, optimizer=SGD, **training)
    return float(np.sqrt(sum(np.square(a - b).sum() for a, b in zip(weights, start, strict=True))))


def test_gradients_are_clipped_by_their_length_and_by_their_largest_number() -> None:
    assert moved() > 0.2
    assert moved(clip_norm=0.1) == pytest.approx(0.1 * SGD["learning_rate"], rel=1e-4)
    count = 13 * 8 + 8 + 8 * 3 + 3
    assert moved(clip_value=1e-6) <= 1e-6 * SGD["learning_rate"] * np.sqrt(count) * 1.05


def test_smoothed_labels_make_probabilities_less_extreme() -> None:
    sure, _, _ = learnt(epochs=60, optimizer=SGD)
    smoothed, _, _ = learnt(epochs=60, optimizer=SGD, label_smoothing=0.3)
    assert np.median(sure.max(1)) > 0.98
    # The best that can be learnt is 1 - 0.3 + 0.3 / 3.
    assert np.median(smoothed.max(1)) == pytest.approx(0.8, abs=0.06)


def test_a_class_without_weight_is_not_learnt() -> None:
    everything, _, _ = learnt(epochs=30)
    without, _, _ = learnt(epochs=30, class_weight={"b": 0.0})
    assert (everything.argmax(1) == 1).mean() > 0.3
    assert (without.argmax(1) == 1).mean() < 0.2


def test_balanced_weights_count_rare_classes_as_much_as_others() -> None:
    rare = np.concatenate([np.flatnonzero(Y != 1), np.flatnonzero(Y == 1)[:4]])
    counts = np.bincount(Y[rare])
    weights = dict(zip("abc", (len(rare) / (3 * counts)).tolist(), strict=True))
    data = TrainingData(X, Y, rare, ORDER[140:], SOURCE, DATA.statistics)
    found = []
    for setting in ("balanced", weights):
        specs = resolve({"family": "mlp"}, {"epochs": 2, "class_weight": setting}, SOURCE)
        network = build(specs.network, SOURCE, DATA.statistics, seed=1)
        train(network, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False)
        found.append(network.get_weights())
    for balanced, named in zip(*found, strict=True):
        np.testing.assert_allclose(balanced, named, rtol=1e-4, atol=1e-6)


def test_a_schedule_that_is_sent_is_the_one_that_is_followed() -> None:
    schedules: dict[str, dict[str, Any]] = {
        "step": {"factor": 0.1, "every_epochs": 2},
        "exponential": {"factor": 0.5},
        "cosine": {},
        "plateau": {"patience": 1, "min_delta": 100.0},
        "constant": {"warmup_epochs": 2},
    }
    expected = {
        "step": [0.5, 0.5, 0.05],
        "exponential": [0.5 * 0.5 ** ((5 * epoch - 1) / 5) for epoch in (1, 2, 3)],
        "cosine": [0.5 * 0.5 * (1 + np.cos(np.pi * (5 * epoch - 1) / 14)) for epoch in (1, 2, 3)],
        "plateau": [0.5, 0.5, 0.25],
        "constant": [0.25, 0.5, 0.5],
    }
    for name, fields in schedules.items():
        optimizer = SGD | {"schedule": {"name": name, **fields}}
        _, outcome, _ = learnt(epochs=3, optimizer=optimizer)
        rates = [each["metrics"]["learning_rate"] for each in outcome.epochs]
        assert rates == pytest.approx(expected[name], rel=1e-4, abs=1e-7), name


def test_time_that_is_up_ends_the_training() -> None:
    _, outcome, _ = learnt(epochs=10_000, max_seconds=0.5)
    assert outcome.stop_reason == "max_seconds"
    assert len(outcome.epochs) < 10_000
