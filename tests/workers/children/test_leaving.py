"""The training program, interrupted: what it leaves, and that it goes on from there bit for bit."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import h5py
import numpy as np
import pytest
from forked import DEADLINE_SECONDS, ENVIRONMENT, Warm, wait_until
from small_orders import CASES, TURNED, digits, made

log = logging.getLogger(__name__)


class Attempt:
    """One run of the program on an order."""

    def __init__(self, folder: Path, order: dict[str, Any]) -> None:
        self.folder = folder
        folder.mkdir()
        os.mkfifo(folder / "stdin")
        (folder / "order.json").write_text(json.dumps(order))

    @property
    def events(self) -> list[dict[str, Any]]:
        path = self.folder / "events"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["type"] == kind]

    def tell(self, line: bytes) -> None:
        with (self.folder / "stdin").open("wb") as pipe:
            pipe.write(line)

    def wait_for(self, kind: str, count: int) -> None:
        wait_until(lambda: len(self.of(kind)) >= count)


class Program:
    """The training program, as it is forked from a process that has only imported it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self.warm = Warm(folder / "stderr")

    def start(self, order: dict[str, Any]) -> tuple[Attempt, int]:
        self._count += 1
        attempt = Attempt(self._folder / f"attempt-{self._count}", order)
        return attempt, self.warm.start(attempt.folder)

    def run(self, order: dict[str, Any]) -> Attempt:
        attempt, _ = self.start(order)
        assert self.warm.status() == 0, attempt.events[-1]
        return attempt


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    program = Program(tmp_path_factory.mktemp("attempts"))
    yield program
    program.warm.close()


class Left(NamedTuple):
    """What is published of a network, as far as it can be the same: no file tells a time."""

    weights: dict[str, bytes]
    golden: dict[str, bytes]
    report: dict[str, Any]
    metrics: dict[str, float]


def left_by(attempt: Attempt) -> Left:
    output = attempt.folder / "output"
    weights: dict[str, bytes] = {}

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            weights[name] = item[()].tobytes()

    with (
        ZipFile(output / "network.keras") as archive,
        archive.open("model.weights.h5") as stored,
        h5py.File(stored, "r") as file,
    ):
        file.visititems(look)
    assert weights
    golden = np.load(output / "golden.npz")
    (result,) = attempt.of("result")
    return Left(
        weights,
        {name: golden[name].tobytes() for name in golden.files},
        json.loads((output / "report.json").read_text()),
        result["metrics"],
    )


def test_killed_and_then_asked_to_leave_it_goes_on_bit_for_bit(program: Program, tmp_path: Path) -> None:
    training = {"epochs": 10, "batch_size": 32, **TURNED}
    order = digits(tmp_path / "digits", training)
    whole = program.run(order)
    kept = order | {"checkpoints": str(tmp_path / "kept"), "checkpoint_seconds": 0}

    first, pid = program.start(kept)
    first.wait_for("checkpoint", random.randint(1, 8))
    os.kill(pid, signal.SIGKILL)
    assert program.warm.status() == -signal.SIGKILL

    second, pid = program.start(kept | {"resume": True})
    second.wait_for("checkpoint", 2)
    os.kill(pid, signal.SIGTERM)
    assert program.warm.status() == 75
    assert second.events[-1]["type"] in {"checkpoint", "epoch"}
    (resumed,) = second.of("resumed")
    assert resumed["step"] >= first.of("checkpoint")[-1]["step"]

    # As many threads as at first, whatever there are now.
    third = program.run(kept | {"resume": True, "checkpoint_seconds": 30, "threads": 1})
    (resumed,) = third.of("resumed")
    assert resumed["step"] == second.of("checkpoint")[-1]["step"]
    assert left_by(third) == left_by(whole)
    epochs = [[(e["epoch"], e["step"], e["metrics"]) for e in each.of("epoch")] for each in (whole, third)]
    assert epochs[0] == epochs[1]


def test_told_to_stop_it_publishes_what_it_has(program: Program, tmp_path: Path) -> None:
    order = digits(tmp_path / "digits", {"epochs": 10_000})
    (tmp_path / "in-the-way").write_text("")
    attempt, _ = program.start(order | {"checkpoints": str(tmp_path / "in-the-way" / "kept")})
    attempt.wait_for("epoch", 2)
    attempt.tell(b"stop\n")
    assert program.warm.status() == 0
    (result,) = attempt.of("result")
    assert result["stop_reason"] == "stopped"
    assert 2 <= len(attempt.of("epoch")) < 10_000
    assert result["best"]["epoch"] <= len(attempt.of("epoch"))
    assert (attempt.folder / "output" / "predict.onnx").exists()
    # Nor does it mind that no checkpoint can be written.
    warnings = [line["message"] for line in attempt.of("log") if line["level"] == "warning"]
    assert len(warnings) == 1
    assert "No checkpoint could be written" in warnings[0]


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_every_family_goes_on_bit_for_bit_when_it_is_killed_anywhere(case: str, tmp_path: Path) -> None:
    order = made(tmp_path / "dataset", case, {"epochs": 30, "batch_size": 8, "seed": 5})

    def attempt(name: str, **fields: Any) -> tuple[Attempt, "subprocess.Popen[bytes]"]:
        begun = Attempt(tmp_path / name, order | fields)
        command = [sys.executable, "-P", "-m", "workers.children.trainer", str(begun.folder)]
        with (begun.folder / "events").open("wb") as events:
            return begun, subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=events,
                env=os.environ | ENVIRONMENT,
            )

    whole, running = attempt("whole")
    assert running.wait(DEADLINE_SECONDS) == 0
    kept = {"checkpoints": str(tmp_path / "kept"), "checkpoint_seconds": 0}
    killed, running = attempt("killed", **kept)
    killed.wait_for("checkpoint", random.randint(2, 30))
    time.sleep(random.uniform(0, 0.05))
    running.kill()
    running.wait()
    resumed, running = attempt("resumed", **kept, resume=True)
    assert running.wait(DEADLINE_SECONDS) == 0
    log.warning("killed after %s", killed.of("checkpoint")[-1])
    if case != "cross-validated":
        assert resumed.of("resumed")[0]["step"] > 0
    assert left_by(resumed) == left_by(whole)
