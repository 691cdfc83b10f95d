"""A child without TensorFlow: it begins, tells, keeps checkpoints and ends as trainers do; inside is a fold.

The order's model says how it behaves, by words with dashes between: ``fold-20`` takes 20 ms for a step;
``poison`` ends its worker whenever it has begun.
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from chaos import fold

from models.checkpoints import Checkpoint
from models.keeper import Keeper, place_of
from workers.children.events import Events
from workers.children.program import run, start
from workers.children.stopping import Stop
from workers.protocol import Order, ReadingOrder, TrainingOrder

WORKER = b"worker_entry"
TENSOR = {"name": "image", "dtype": "float32", "shape": [8, 8, 1]}
ANSWER = {"name": "probabilities", "dtype": "float32", "shape": [2]}
ROLE = {"graph": "predict.onnx", "inputs": [TENSOR], "outputs": [ANSWER]}
NETWORK_FILE = "network.keras"


def main(order_dir: Path, events_fd: int, *, parent_pid: int | None = None) -> int:
    """Do what the order asks for; return the exit status."""
    return run(do, order_dir, events_fd, parent_pid=parent_pid)


def do(order: Order, output: Path, events: Events, stop: Stop) -> None:
    """Do an order of either kind."""
    if isinstance(order, ReadingOrder):
        events.send("result", read(output))
    else:
        events.send("result", train(order, output, events, stop))


def read(output: Path) -> dict[str, Any]:
    """Leave the files of a dataset that nobody looks into."""
    for name in ("x.npy", "y.npy", "test.npy"):
        (output / name).write_bytes(name.encode())
    image = {"low": 0, "high": 16, "background": 0}
    rows = {"rows": 4, "test_rows": 1, "shape": [8, 8, 1], "dtype": "float32", "labels": ["a", "b"]}
    schema = {**rows, "image": image}
    return {"schema": schema, "profile": {"rows": 4}, "split": {}, "warnings": [], "digest": "d" * 64}


class Run:
    """A fold that tells how it goes, and can go on from a checkpoint."""

    def __init__(self, order: TrainingOrder, events: Events) -> None:
        assert order.checkpoints is not None
        self.work = fold.Work(order.training.seed, order.training.epochs)
        self.attempt = order.attempt
        self.events = events
        self.step, self.state = 0, fold.begin(self.work.seed)
        self.epochs: list[dict[str, Any]] = []
        # A checkpoint whenever possible: jobs are short here.
        self.keeper = Keeper(order.checkpoints, events.send, 0, resume=order.resume)

    def resume(self) -> None:
        """Go on from the newest checkpoint, as a trainer does."""
        if not self.keeper.resume:
            return
        found = self.keeper.newest()
        if found is not None:
            self.step, self.epochs = found.facts["step"], found.facts["epochs"]
            self.state = found.arrays["state"].tobytes()
        self.events.send("resumed", place_of(found))
        for figures in self.epochs:
            self.events.send("epoch", figures)

    def take_step(self) -> None:
        """Take one step; tell of an epoch that it ends."""
        self.step += 1
        self.state = fold.advance(self.state, self.step)
        if self.step % fold.STEPS == 0:
            self._end_epoch()

    def keep(self) -> None:
        """Write a checkpoint."""
        facts = {"step": self.step, "epochs": self.epochs, "seconds": 0.0, "stop_reason": None}
        self.keeper.keep(Checkpoint({"state": np.frombuffer(self.state, np.uint8)}, facts))

    def _end_epoch(self) -> None:
        number, figure = self.step // fold.STEPS, fold.loss(self.state)
        figures = {"epoch": number, "epochs": self.work.epochs, "step": self.step}
        figures |= {"metrics": {"loss": figure, "val_loss": figure}, "seconds": 0.1, "eta": 0.0}
        self.epochs.append(figures)
        self.events.send("epoch", figures)
        # Who told it, in words that no writer changes.
        self.events.log("info", f"Attempt {self.attempt} ended epoch {number}.")


def train(order: TrainingOrder, output: Path, events: Events, stop: Stop) -> dict[str, Any]:
    """Run the fold to its end."""
    events.phase("training")
    words = order.model.split("-")
    if words[0] == "poison":
        os.kill(worker_of(os.getpid()), signal.SIGKILL)
    run, pause = Run(order, events), float(words[1]) / 1000 if len(words) > 1 else 0.0
    run.resume()
    while run.step < fold.STEPS * run.work.epochs:
        time.sleep(pause)
        if stop.requested():
            run.keep()
        stop.check()
        run.take_step()
        run.keep()
    return publish(run, output)


def publish(run: Run, output: Path) -> dict[str, Any]:
    """Leave what was computed, and return the result that tells of it."""
    (output / NETWORK_FILE).write_bytes(run.state)
    (output / "pictures").mkdir()
    (output / "pictures" / "curves.json").write_text(json.dumps(run.epochs))
    best = min(run.epochs, key=lambda figures: float(figures["metrics"]["val_loss"]))
    return {
        "files": {NETWORK_FILE: "application/zip", "pictures/curves.json": "application/json"},
        "metrics": {"loss": fold.loss(run.state)},
        "parameters": 42,
        "signature": {"roles": {"predict": ROLE}, "labels": ["a", "b"]},
        "best": {"epoch": best["epoch"]},
        "stop_reason": "completed",
        "parity": {"passed": True},
    }


def worker_of(pid: int) -> int:
    """Return the worker's process above this one; a fork server may stand between."""
    while WORKER not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


if __name__ == "__main__":
    start(main)
