"""The same order gives the same network, in whatever process."""

import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, sys
import numpy as np
from sklearn.datasets import load_digits
from models.presets import resolve
from models.registry import build
from models.schema import InputSchema
from models.statistics import neutral
from models.lesson import TrainingData
from models.training import configure, train
source = InputSchema(shape=(8, 8, 1), classes=10, high=16.0)
specs = resolve(
    {"preset": "cnn-modern"},
    {
        "epochs": 2,
        "determinism": sys.argv[1],
        "mixed_precision": sys.argv[2],
        "optimizer": {"name": "adam", "schedule": {"name": "plateau", "patience": 1}},
        "augmentation": [{"name": name} for name in ("rotation", "contrast", "noise", sys.argv[3])],
    },
    source,
)
configure(2, specs.network, specs.training, source, rows=200)
digits = load_digits()
data = TrainingData(
    digits.images[:200, ..., None].astype("float32"),
    digits.target[:200],
    np.arange(150),
    np.arange(150, 200),
    source,
    neutral(source),
)
network = build(specs.network, source, seed=5)
train(network, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False)
print(hashlib.sha256(b"".join(variable.numpy().tobytes() for variable in network.variables)).hexdigest())
"""


@pytest.mark.long
@pytest.mark.parametrize(
    "options", [("seeded", "off", "mixup"), ("seeded", "on", "cutmix"), ("strict", "off", "cutmix")]
)
def test_another_process_gives_the_same_bits(options: tuple[str, ...]):
    command = [sys.executable, "-c", PROGRAM, *options]
    digests = [subprocess.run(command, check=True, capture_output=True).stdout for _ in range(2)]
    assert digests[0] == digests[1]
