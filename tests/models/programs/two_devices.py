"""Trains small networks on one and on two devices of a processor, and prints how far they are apart.

FOLDER CASE …, in a process of its own: the processor is split before any operation has run.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from models.keeper import Keeper
from models.lesson import TrainingData
from models.loop import ALONE, Left
from models.presets import resolve
from models.registry import build
from models.replicas import split_processor
from models.schema import InputSchema
from models.statistics import measure
from models.training import train

ROWS, VALIDATION = 77, 12
IMAGES = InputSchema(shape=(8, 8, 1), dtype="uint8", classes=3, high=16.0)
VECTORS = InputSchema(shape=(6,), targets=2)
SERIES = InputSchema(kind="sequences", shape=(7, 2))
TEXTS = InputSchema(shape=(9,), dtype="int32", vocabulary=12)
MODERN = {"family": "cnn", "blocks": [{"filters": 4, "batch_normalization": True, "dropout": 0.2}]}
# 65 rows train: the last batch of 16 has one row, too few for two devices.
CASES = {
    "classes": (
        IMAGES,
        {"family": "cnn", "blocks": [{"filters": 4, "pooling": "max"}]},
        {"label_smoothing": 0.1},
    ),
    "values": (
        VECTORS,
        {"family": "mlp", "dense": [8], "l2": 0.01},
        {"clip_norm": 0.5, "optimizer": {"name": "adamw", "learning_rate": 0.01}},
    ),
    "forecasts": (SERIES, {"family": "rnn", "layers": [{"units": 5}]}, {}),
    "texts": (TEXTS, {"family": "text_generator", "units": [6]}, {}),
    "codes": (IMAGES, {"family": "autoencoder", "dense": [8], "latent": 3}, {}),
    "random": (IMAGES, MODERN, {"augmentation": [{"name": "rotation"}, {"name": "mixup"}]}),
}


def rows_of(source):
    random = np.random.default_rng(3)
    if source.vocabulary:
        x = random.integers(1, source.vocabulary, (ROWS, *source.shape)).astype(source.dtype)
        # Padding makes the shares of a batch unequal in tokens.
        x[::3, 4:] = 0
    else:
        x = random.uniform(0, 16, (ROWS, *source.shape)).astype(source.dtype)
    if source is SERIES:
        x[::4, 4:] = np.nan
    if source.targets:
        y = random.normal(size=(ROWS, source.targets)).astype(np.float32)
    else:
        y = random.integers(0, source.classes or 1, ROWS)
    rows, weights = np.arange(ROWS), random.uniform(0.5, 2, ROWS).astype(np.float32)
    train_rows = rows[VALIDATION:]
    statistics = measure(x, y, train_rows, source)
    data = TrainingData(x, y, train_rows, rows[:VALIDATION], source, statistics)
    weighted = source is VECTORS
    return (
        replace(data, source=source.model_copy(update={"weighted": True}), weights=weights)
        if weighted
        else data
    )


def trained(case, devices, *, keeper=None, looks=None, gang=ALONE):
    source, network, training = CASES[case]
    data = rows_of(source)
    specs = resolve(network, {"epochs": 3, "batch_size": 16, "devices": devices, **training}, data.source)
    built = build(specs.network, data.source, data.statistics, seed=0)
    asked = iter(range(10**9))
    outcome = train(
        built,
        specs.network,
        specs.training,
        data,
        report=lambda *_: None,
        should_stop=lambda: False,
        should_leave=lambda: looks is not None and next(asked) >= looks,
        keeper=keeper,
        gang=gang,
    )
    return [variable.numpy() for variable in built.variables], [epoch["metrics"] for epoch in outcome.epochs]


def apart(ones, others):
    return max(float(np.abs(one - other).max()) for one, other in zip(ones, others, strict=True))


def main(folder, cases):
    split_processor(2)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    found = {}
    for case in cases:
        alone, figures = trained(case, 1)
        both, theirs = trained(case, 2)
        losses = [
            max(abs(a[key] - b[key]) for a, b in zip(figures, theirs, strict=True)) for key in figures[0]
        ]
        moved = apart(alone, trained_not(case))
        found[case] = {"weights": apart(alone, both), "figures": max(losses), "moved": moved}
        if case == "random":
            found |= repeated(folder, both)
    sys.stdout.write(json.dumps(found) + "\n")


def repeated(folder, whole):
    """Tell whether random parts repeat, and whether a training that was left goes on with the same bits."""
    found = {"resumed": False}
    again, _ = trained("random", 2)
    keeper = Keeper(Path(folder), lambda *_: None, seconds=0)
    try:
        trained("random", 2, keeper=keeper, looks=5)
    except Left:
        resumed, _ = trained("random", 2, keeper=Keeper(Path(folder), lambda *_: None))
        found["resumed"] = all(map(np.array_equal, whole, resumed))
    found["repeats"] = all(map(np.array_equal, whole, again))
    return found


def trained_not(case):
    source, network, _ = CASES[case]
    data = rows_of(source)
    specs = resolve(network, None, data.source)
    return [value.numpy() for value in build(specs.network, data.source, data.statistics, seed=0).variables]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
