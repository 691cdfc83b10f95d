"""The training program, in processes that are forked from one that has only imported it: the warm start."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
from forked import TREE, Warm, wait_until

from models.presets import resolve
from models.reading.canonical import write_canonical
from models.reading.digits import read_digits
from models.reading.options import ReadingOptions
from models.schema import DatasetSchema, input_of

MOST_MEMORY = 3 * 1024**3


class Trainings:
    """Training orders, each done by a process that is forked from a warm one."""

    def __init__(self, warm: Warm, folder: Path, schema: DatasetSchema) -> None:
        self.folder = folder
        self.schema = schema
        self._warm = warm
        self._count = 0

    def order(self, network: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
        resolved = resolve(network, training, input_of(self.schema))
        return {
            "kind": "training",
            "job": "job_1",
            "attempt": 1,
            "model": "digits",
            "dataset": "digits@1",
            "dataset_schema": self.schema.model_dump(mode="json"),
            "files": {name: str(self.folder / name) for name in ("x.npy", "y.npy", "test.npy")},
            "network": resolved.network.model_dump(mode="json"),
            "training": resolved.training.model_dump(mode="json"),
            "threads": 1,
        }

    def start(self, order: dict[str, Any]) -> tuple[Path, int]:
        self._count += 1
        folder = self.folder / f"order-{self._count}"
        folder.mkdir()
        (folder / "order.json").write_text(json.dumps(order))
        return folder, self._warm.start(folder)

    def status(self) -> int:
        return self._warm.status()

    def run(self, order: dict[str, Any]) -> tuple[int, list[dict[str, Any]], Path]:
        folder, _ = self.start(order)
        status = self.status()
        return status, events_of(folder), folder / "output"


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events").read_text().splitlines()]


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainings]:
    folder = tmp_path_factory.mktemp("trainings")
    schema = write_canonical(read_digits(), ReadingOptions(), folder, 10**7).schema
    warm = Warm(folder / "stderr", MOST_MEMORY)
    yield Trainings(warm, folder, schema)
    warm.close()


def test_the_digits_are_learnt_and_every_file_is_left(trainings: Trainings) -> None:
    status, events, output = trainings.run(trainings.order({"preset": "cnn-small"}, {}))
    assert status == 0
    phases = [event["data"]["phase"] for event in events if event["type"] == "phase"]
    assert phases == ["preparing", "building", "training", "evaluating", "exporting"]
    assert events[-1]["type"] == "result"
    result = events[-1]["data"]
    assert result["metrics"]["accuracy"] >= 0.97
    assert result["parity"]["passed"] is True
    assert result["parity"]["rows"] == 360
    assert set(result["files"]) == {file.name for file in output.iterdir()}
    assert set(result["files"]) >= {"network.keras", "predict.onnx", "golden.npz", "report.json", "card.md"}
    epochs = [event["data"] for event in events if event["type"] == "epoch"]
    assert [each["epoch"] for each in epochs] == list(range(1, len(epochs) + 1))
    assert result["best"]["epoch"] in range(1, len(epochs) + 1)
    assert json.loads((output / "report.json").read_text())["epochs"][0]["loss"] > 0


def test_rows_of_no_weight_are_not_learnt_and_families_that_do_not_weigh_rows_say_so(
    trainings: Trainings,
) -> None:
    weights = np.where(np.load(trainings.folder / "y.npy") == 3, 0, 1).astype(np.float32)
    np.save(trainings.folder / "weights.npy", weights)

    def run(network: dict[str, Any], **training: Any) -> tuple[list[str], dict[str, Any]]:
        order = trainings.order(network, training)
        order["files"]["weights.npy"] = str(trainings.folder / "weights.npy")
        order["dataset_schema"]["weights"] = "trust"
        status, events, output = trainings.run(order)
        assert status == 0
        warnings = [event["data"]["message"] for event in events if event["data"].get("level") == "warning"]
        return warnings, json.loads((output / "report.json").read_text())

    warnings, report = run({"preset": "cnn-small"}, epochs=6)
    assert warnings == []
    recall = [each["recall"] for each in report["classes"]]
    assert recall[3] == 0
    assert min(recall[:3] + recall[4:]) > 0.6
    (warning,), _ = run({"family": "autoencoder", "dense": [], "latent": 2}, epochs=1)
    assert warning.startswith("The rows have weights")
    assert warning.endswith("for this is reconstruction.")


def test_one_seed_gives_one_network(trainings: Trainings) -> None:
    network = {"family": "cnn", "blocks": [{"filters": 4, "stride": 2}], "dropout": 0.5}
    order = trainings.order(network, {"epochs": 1, "seed": 5})
    first, again = (trainings.run(order)[2] for _ in range(2))
    other = trainings.run(trainings.order(network, {"epochs": 1, "seed": 6}))[2]
    answers = [np.load(output / "golden.npz")["predict/probabilities"] for output in (first, again, other)]
    assert np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])


SMALL = {"family": "cnn", "blocks": [{"filters": 4, "stride": 2}], "dense": [5]}


def kernels_of(output: Path) -> list[np.ndarray]:
    """The weights of the convolution in the served graph."""
    graph = onnx.load(output / "predict.onnx").graph
    arrays = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    return [array for array in arrays if array.shape == (4, 1, 3, 3)]


def test_a_network_starts_from_another_and_what_is_frozen_stays(trainings: Trainings) -> None:
    parent = trainings.order(SMALL, {"epochs": 1, "seed": 5})
    _, _, before = trainings.run(parent)
    start = {name: parent[name] for name in ("network", "dataset_schema")}
    start |= {"version": "digits@3", "files": {"network.keras": str(before / "network.keras")}}
    child = trainings.order(SMALL | {"dense": [6]}, {"epochs": 1, "seed": 6, "freeze": ["conv_1"]})
    status, events, output = trainings.run(child | {"start_from": start})
    assert status == 0
    (kept,), (found,) = kernels_of(before), kernels_of(output)
    assert np.array_equal(kept, found)
    report = json.loads((output / "report.json").read_text())
    assert report["start_from"] == {
        "version": "digits@3",
        "taken": ["conv_1"],
        "fresh": ["dense_1", "probabilities"],
    }
    said = [event["data"]["message"] for event in events if event["type"] == "log"]
    assert said == ["Started from digits@3: conv_1. New, at random: dense_1, probabilities."]
    assert "digits@3" in (output / "card.md").read_text()


def test_the_networks_of_all_folds_are_published_as_one(trainings: Trainings) -> None:
    validation = {"folds": 2, "ensemble": True}
    order = trainings.order(SMALL, {"epochs": 2, "cross_validation": validation, "seed": 5})
    status, events, output = trainings.run(order)
    assert status == 0
    result = events[-1]["data"]
    assert result["parity"]["passed"] is True
    assert 0.1 < result["metrics"]["accuracy"] <= 1
    assert result["metrics"]["cv_accuracy"] > 0.1
    assert [event["data"]["epoch"] for event in events if event["type"] == "epoch"] == [1, 2]
    # Whoever watches must not take a long cross-validation for one that hangs.
    progress = [event["data"] for event in events if event["type"] == "progress"]
    assert progress[0] == {"epoch": 1, "epochs": 4}
    report = json.loads((output / "report.json").read_text())
    assert report["ensemble"] == {"members": 2}
    assert len(report["cross_validation"]["figures"]) == 2
    assert len(kernels_of(output)) == 2
    alone = trainings.order(SMALL, {"epochs": 1})
    assert result["parameters"] == 2 * trainings.run(alone)[1][-1]["data"]["parameters"]
    assert "the mean of 2 networks" in (output / "card.md").read_text()


def test_a_loss_that_runs_away_is_told(trainings: Trainings) -> None:
    optimizer = {"name": "sgd", "learning_rate": 10.0, "momentum": 0.9}
    network = {"family": "cnn", "blocks": [8, 8], "activation": "linear"}
    status, events, _ = trainings.run(trainings.order(network, {"epochs": 50, "optimizer": optimizer}))
    assert status == 70
    assert events[-1]["type"] == "error"
    assert events[-1]["data"]["code"] == "diverged"
    assert "epoch" in events[-1]["data"]["message"]
    assert "learning rate" in events[-1]["data"]["hint"]


def test_sigterm_ends_a_training_between_two_steps(trainings: Trainings) -> None:
    folder, pid = trainings.start(trainings.order({"preset": "cnn-small"}, {"epochs": 10_000}))
    wait_until(lambda: (folder / "events").exists() and '"epoch"' in (folder / "events").read_text())
    os.kill(pid, signal.SIGTERM)
    assert trainings.status() == 75
    assert {event["type"] for event in events_of(folder)} <= {"phase", "epoch", "progress"}


def test_files_that_are_missing_are_nobodys_fault(trainings: Trainings) -> None:
    order = trainings.order({"preset": "cnn-small"}, {"epochs": 1})
    order["files"]["x.npy"] = str(trainings.folder / "nowhere.npy")
    status, events, _ = trainings.run(order)
    assert status == 70
    assert events[-1]["data"]["code"] == "internal"
    assert "nowhere" not in json.dumps(events[-1])
    assert "nowhere" in events[-2]["data"]["message"]


# TensorFlow tries for ten seconds.
@pytest.mark.long
def test_a_network_that_needs_too_much_memory_is_told(trainings: Trainings) -> None:
    network = {"family": "cnn", "blocks": [8], "input_size": [1024, 1024]}
    order = trainings.order(network, {"epochs": 1, "batch_size": 1024})
    status, events, _ = trainings.run(order)
    assert status == 70
    assert events[-1]["data"]["code"] == "out_of_memory"


def test_it_runs_by_hand(trainings: Trainings, run_program: Callable[..., Any]) -> None:
    run = run_program("workers.children.trainer", trainings.order({"preset": "cnn-small"}, {"epochs": 1}))
    assert run.status == 0
    assert run.only("result")["stop_reason"] == "completed"


def test_only_the_trainer_loads_tensorflow() -> None:
    code = "import sys, workers.children.program; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, env={"PYTHONPATH": str(TREE)})
