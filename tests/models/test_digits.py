from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from models.batches import split_rows
from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import neutral
from models.training import train

SOURCE = InputSchema(shape=(8, 8, 1), classes=10, high=16.0, labels=tuple("0123456789"))
DIGITS = load_digits()


def accuracy_on_digits(preset: str, seed: int, **training: Any) -> float:
    """Test accuracy on a fifth of the digits, drawn with the seed."""
    y = DIGITS.target.astype(np.int64)
    _, test = split_rows(y, np.arange(0), 0.2, seed)
    rows, validation = split_rows(y, test, 0.1, seed)
    data = TrainingData(
        DIGITS.images[..., None].astype(np.float32), y, rows, validation, SOURCE, neutral(SOURCE)
    )
    specs = resolve({"preset": preset}, {"seed": seed} | training, SOURCE)
    network = build(specs.network, SOURCE, seed=seed)
    train(
        network,
        specs.network,
        specs.training,
        data,
        report=lambda kind, figures: None,
        should_stop=lambda: False,
    )
    return (network.predict(data.x[test], verbose=0).argmax(1) == y[test]).mean()


def test_the_small_preset_reads_the_digits():
    assert accuracy_on_digits("cnn-small", 0) >= 0.97


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_the_small_preset_reads_the_digits_whatever_the_seed(seed: int):
    assert accuracy_on_digits("cnn-small", seed) >= 0.97


@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "training"),
    [
        ("cnn-modern", {}),
        ("cnn-basic", {"epochs": 20}),
        ("cnn-shallow", {"epochs": 20}),
        ("cnn-mnist", {"epochs": 40}),
    ],
)
def test_every_preset_reads_the_digits_when_it_has_the_time(preset: str, training: dict):
    assert accuracy_on_digits(preset, 0, **training) >= 0.95
