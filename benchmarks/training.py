"""How fast networks train here, against a plain Keras ``fit`` of the same network on the same rows.

Each candidate lives in a process of its own, as it would in a script of its own, warms up, and then trains a
few epochs at a time, in turn with the others, so that whatever else the machine does meets all alike. Wall
clock and processor time are those of the epochs alone: no import, no tracing, no first epoch.

    python -m benchmarks.training [--json PATH] [--rounds 7]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from models.presets import Resolved, resolve
from models.schema import InputSchema

ROUND = "round"


@dataclass(frozen=True)
class Case:
    """One network, the side of its images in pixels, the epochs of one round, and the ratio to reach."""

    preset: str
    side: int
    epochs: int
    target: float

    @property
    def source(self) -> InputSchema:
        return InputSchema(shape=(self.side, self.side, 1), classes=10, high=16.0)

    def resolved(self, rounds: int) -> Resolved:
        """The preset's own training, long enough for all rounds, without validation."""
        training = {"epochs": self.epochs * (rounds + 1), "validation": 0}
        return resolve({"preset": self.preset}, training, self.source)


CASES = {
    case.preset: case
    for case in (
        Case("cnn-small", side=8, epochs=15, target=3.0),
        Case("cnn-basic", side=28, epochs=2, target=1.25),
    )
}


def digits(side: int) -> tuple[np.ndarray, np.ndarray]:
    """The handwritten digits that are no test rows, enlarged to ``side`` pixels: float32, int64."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = found.images[:1437].astype(np.float32)
    times, border = side // 8, (side % 8) // 2
    images = np.pad(images.repeat(times, 1).repeat(times, 2), ((0, 0), (border, border), (border, border)))
    return images[..., None], found.target[:1437].astype(np.int64)


def fit(case: Case, rounds: int, wait: Callable[[int], None]) -> None:
    """A plain Keras script: compile and ``fit``, with the machine's default threads."""
    import keras

    from models.registry import build

    resolved = case.resolved(rounds)
    x, y = digits(case.side)
    network = build(resolved.network, case.source, seed=0)
    adam = keras.optimizers.Adam(resolved.training.optimizer.learning_rate)
    network.compile(optimizer=adam, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(
        x,
        y,
        batch_size=resolved.training.batch_size,
        epochs=resolved.training.epochs,
        shuffle=True,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: wait(epoch + 1))],
    )


def ours(case: Case, rounds: int, wait: Callable[[int], None]) -> None:
    """The train loop as a job runs it."""
    from models.lesson import TrainingData
    from models.registry import build
    from models.statistics import neutral
    from models.training import configure, train

    resolved = case.resolved(rounds)
    configure(os.cpu_count() or 1, resolved.network, resolved.training, case.source)
    x, y = digits(case.side)
    data = TrainingData(x, y, np.arange(len(y)), np.arange(0), case.source, neutral(case.source))
    train(
        build(resolved.network, case.source, seed=0),
        resolved.network,
        resolved.training,
        data,
        report=lambda kind, figures: wait(figures["epoch"]) if kind == "epoch" else None,
        should_stop=lambda: False,
    )


CANDIDATES = {"plain fit": fit, "keraforge": ours}


def serve(candidate: str, preset: str, rounds: int) -> None:
    """Train, and after each round tell its figures and wait for the line that starts the next one."""
    case = CASES[preset]
    started = [0.0, 0.0]

    def wait(epoch: int) -> None:
        if epoch % case.epochs == 0:
            wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
            print(ROUND, wall, processor, flush=True)
            sys.stdin.readline()
            started[:] = time.perf_counter(), time.process_time()

    CANDIDATES[candidate](case, rounds, wait)


class Contestant:
    """One candidate in its process."""

    def __init__(self, candidate: str, case: Case, rounds: int) -> None:
        self.name = candidate
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.training",
                "--serve",
                candidate,
                case.preset,
                "--rounds",
                str(rounds),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        )
        self.rounds: list[tuple[float, float]] = []
        self._figures()

    def run(self) -> None:
        """Train one round; keep its seconds of wall clock and of processor."""
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)
        self.rounds.append(self._figures())

    def _figures(self) -> tuple[float, float]:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith(ROUND):
                _, wall, processor = line.split()
                return float(wall), float(processor)
        raise RuntimeError(f"{self.name} ended early with status {self._process.wait()}")

    def close(self) -> None:
        self._process.communicate("\n")


def compete(case: Case, rounds: int) -> dict[str, dict[str, float]]:
    """Let the candidates train in turn; return the medians of each."""
    contestants = [Contestant(name, case, rounds) for name in CANDIDATES]
    for _ in range(rounds):
        for contestant in contestants:
            contestant.run()
    for contestant in contestants:
        contestant.close()
    rows = case.epochs * len(digits(8)[1])
    return {
        contestant.name: {
            "rows_per_second": rows / statistics.median(wall for wall, _ in contestant.rounds),
            "processor_us_per_row": 1e6 * statistics.median(used for _, used in contestant.rounds) / rows,
        }
        for contestant in contestants
    }


def report(results: dict[str, dict[str, dict[str, float]]], console: Console) -> bool:
    """Print the table; return whether every target is reached."""
    table = Table(title="Training throughput, medians; the ratios are to plain fit")
    for heading in ("network", "candidate", "rows/s", "ratio", "target", "processor µs/row", "ratio"):
        table.add_column(heading, justify="left" if heading in ("network", "candidate") else "right")
    reached = True
    for preset, candidates in results.items():
        base, target = candidates["plain fit"], CASES[preset].target
        for name, figures in candidates.items():
            ratio = figures["rows_per_second"] / base["rows_per_second"]
            processor = base["processor_us_per_row"] / figures["processor_us_per_row"]
            table.add_row(
                preset,
                name,
                f"{figures['rows_per_second']:,.0f}",
                f"{ratio:.2f}",
                f"{target:.2f}" if name != "plain fit" else "",
                f"{figures['processor_us_per_row']:.1f}",
                f"{processor:.2f}",
            )
            reached = reached and (name == "plain fit" or ratio >= target)
        table.add_section()
    console.print(table)
    return reached


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each candidate (default 7)")
    parser.add_argument("--only", choices=CASES, help="only this network")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        candidate, preset = options.serve
        serve(candidate, preset, options.rounds)
        return
    cases = [case for case in CASES.values() if options.only in (None, case.preset)]
    results = {case.preset: compete(case, options.rounds) for case in cases}
    reached = report(results, Console())
    if options.json:
        machine = {
            "processors": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "numpy")},
        }
        found = {
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine,
            "rounds": options.rounds,
            "results": results,
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(not reached)


if __name__ == "__main__":
    main()
