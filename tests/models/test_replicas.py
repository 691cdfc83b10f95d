"""Several devices that train one network: the same result as one, on two devices of a processor."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.presets import SpecError, resolve
from models.schema import InputSchema

TREE = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "two_devices.py"
IMAGES = InputSchema(shape=(8, 8, 1), dtype="uint8", classes=3, high=16.0)


def trained(folder: Path, *cases: str) -> dict[str, Any]:
    """Train these cases on one device and on two; return how far they are apart."""
    environment = os.environ | {"PYTHONPATH": str(TREE), "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, str(PROGRAM), str(folder), *cases]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Efficient batch_reduce is not supported" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def judge(found: dict[str, Any]) -> None:
    for case, figures in found.items():
        assert figures["weights"] < 1e-6, case
        assert figures["figures"] < 1e-5, case
        assert figures["moved"] > 1e-3, case


def test_two_devices_learn_what_one_does_and_repeat_their_bits(tmp_path: Path) -> None:
    found = trained(tmp_path, "classes", "random")
    assert found.pop("repeats")
    assert found.pop("resumed")
    own = found.pop("random")
    # Dropout and batch normalisation see other rows; that they are alike is all that can be asked.
    assert 0 < own["figures"] < 1
    judge(found)


@pytest.mark.long
def test_two_devices_learn_what_one_does_in_every_task(tmp_path: Path) -> None:
    judge(trained(tmp_path, "values", "forecasts", "texts", "codes"))


@pytest.mark.parametrize(
    ("network", "training", "code"),
    [
        ({"family": "gan", "latent": 4, "generator": [8], "discriminator": [8]}, {}, "wrong_task"),
        ({"family": "autoencoder", "dense": [8], "latent": 2, "variational": True}, {}, "wrong_task"),
        ({"preset": "cnn-small"}, {"batch_size": 3}, "too_few_rows"),
    ],
)
def test_what_several_devices_cannot_do_is_refused(
    network: dict[str, Any], training: dict[str, Any], code: str
) -> None:
    with pytest.raises(SpecError) as refused:
        resolve(network, {"devices": 4, **training}, IMAGES)
    assert [(each.pointer, each.code) for each in refused.value.errors] == [("/training/devices", code)]


def test_several_devices_are_not_compiled() -> None:
    with pytest.raises(SpecError) as refused:
        resolve({"preset": "cnn-small"}, {"devices": 2, "xla": "on"}, IMAGES)
    assert [each.pointer for each in refused.value.errors] == ["/training/xla"]
