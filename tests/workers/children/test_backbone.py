from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.presets import resolve
from models.reading.canonical import write_canonical
from models.reading.digits import read_digits
from models.reading.options import ReadingOptions
from models.schema import input_of


def test_weights_that_cannot_be_fetched_fail_the_job_with_a_hint(
    run_program: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    schema = write_canonical(read_digits(), ReadingOptions(), tmp_path, 10**7).schema
    network = {"family": "cnn", "backbone": {"name": "vgg16", "weights": "imagenet"}}
    resolved = resolve(network, {"epochs": 1}, input_of(schema))
    order = {
        "kind": "training",
        "job": "job_1",
        "attempt": 1,
        "model": "digits",
        "dataset": "digits@1",
        "dataset_schema": schema.model_dump(mode="json"),
        "files": {name: str(tmp_path / name) for name in ("x.npy", "y.npy", "test.npy")},
        "network": resolved.network.model_dump(mode="json"),
        "training": resolved.training.model_dump(mode="json"),
        "threads": 1,
    }
    failure = run_program("workers.children.trainer", order).only("error")
    assert failure["code"] == "bad_data"
    assert failure["message"].startswith("The ImageNet weights of vgg16 could not be fetched: URL fetch")
    assert "weights null" in failure["hint"]
    assert "keras/models" in failure["hint"]
