"""A training that runs away is told, whatever a family's own loss makes of numbers that are none."""

from typing import Any

import keras
import numpy as np
import pytest

from models.lesson import TrainingData
from models.loop import Diverged
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import measure
from models.training import train

RANDOM = np.random.default_rng(0)
IMAGES = InputSchema(shape=(8, 8, 1), classes=3)
TEXT = InputSchema(kind="text", shape=(6,), dtype="int32", vocabulary=9, classes=3)
SERIES = InputSchema(shape=(5, 2))
AUTOENCODER = {"family": "autoencoder", "dense": [8], "latent": 2}
GAN = {"family": "gan", "generator": [8], "discriminator": [8]}
FAMILIES: list[tuple[str, dict[str, Any], InputSchema]] = [
    ("autoencoder", AUTOENCODER, IMAGES),
    ("variational", AUTOENCODER | {"variational": True}, IMAGES),
    ("gan", GAN, IMAGES),
    ("text_generator", {"family": "text_generator", "units": [4]}, TEXT),
    ("forecast", {"family": "rnn", "layers": [4]}, SERIES),
]
TOO_FAST = {"name": "sgd", "learning_rate": 10.0, "momentum": 0.99}


def rows_of(source: InputSchema) -> TrainingData:
    ids = RANDOM.integers(2, 9, (40, *source.shape)).astype(np.int32)
    x = ids if source.kind == "text" else RANDOM.uniform(0, 1, (40, *source.shape)).astype(np.float32)
    y, rows = RANDOM.integers(0, 3, 40), np.arange(32)
    return TrainingData(x, y, rows, np.arange(32, 40), source, measure(x, y, rows, source))


def diverged(network: dict[str, Any], source: InputSchema, *, poisoned: bool = False) -> Diverged:
    specs = resolve(network, {"epochs": 20, "batch_size": 8, "optimizer": TOO_FAST}, source)
    data = rows_of(source)
    built = build(specs.network, source, data.statistics, seed=1)
    if poisoned:
        weight: keras.Variable = built.trainable_variables[-1]
        weight.assign(weight * np.nan)
    with pytest.raises(Diverged) as raised:
        train(built, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False)
    return raised.value


@pytest.mark.parametrize(
    ("network", "source"), [each[1:] for each in FAMILIES], ids=[each[0] for each in FAMILIES]
)
def test_a_weight_that_is_no_number_ends_the_first_epoch(
    network: dict[str, Any], source: InputSchema
) -> None:
    assert diverged(network, source, poisoned=True).epoch == 1


@pytest.mark.parametrize(
    "network",
    [GAN, GAN | {"loss": "wgan_gp"}, AUTOENCODER | {"variational": True}],
    ids=["gan", "wgan_gp", "variational"],
)
def test_a_rate_that_is_far_too_high_is_seen_within_an_epoch(network: dict[str, Any]) -> None:
    found = diverged(network, IMAGES)
    assert 4 * (found.epoch - 1) < found.step <= 4 * found.epoch
