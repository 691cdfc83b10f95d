"""A training by itself in a warm interpreter: how long to its first epoch's end, and to its last one's.

python -m benchmarks.alone TRAINING

Imports, says that it is ready, waits for a line, and then builds, traces and trains ``cnn-small`` on the
built-in digits with the options TRAINING, an object of JSON, as a job does. Prints both times in seconds.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from models.batches import split_rows
from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import measure
from models.training import configure, train

PRESET = "cnn-small"
TEST_ROWS = 360


def main() -> None:
    sent = json.loads(sys.argv[1])
    source = InputSchema(shape=(8, 8, 1), classes=10, high=16.0)
    resolved = resolve({"preset": PRESET}, sent, source)
    x, y = load_digits(return_X_y=True)
    x, y = x.reshape(-1, 8, 8, 1).astype(np.uint8), y.astype(np.int64)
    print("ready", flush=True)
    sys.stdin.readline()

    began, epochs = time.perf_counter(), []
    training = resolved.training
    rows, validated = split_rows(y, np.arange(TEST_ROWS), training.validation, training.seed, stratified=True)
    data = TrainingData(x, y, rows, validated, source, measure(x, y, rows, source))
    configure(os.cpu_count() or 1, resolved.network, training, source, rows=len(rows))

    def report(kind: str, _: dict[str, Any]) -> None:
        if kind == "epoch":
            epochs.append(time.perf_counter() - began)

    network = build(resolved.network, source, data.statistics, seed=training.seed)
    train(network, resolved.network, training, data, report=report, should_stop=lambda: False)
    print(epochs[0], epochs[-1], flush=True)


if __name__ == "__main__":
    main()
