"""How fast a network trains on several devices of a processor, against one.

Each lives in a process of its own, and they train a round each in turn. A processor that is split has no more
cores than before: what is seen is what it costs to add up gradients, little for large networks and much for
small ones, and what is gained where one device cannot keep all cores busy.

    python -m benchmarks.devices [--preset cnn-basic] [--devices 2] [--rounds 3] [--json PATH]
"""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.claims import Claim, show, write
from benchmarks.contest import Rounds, compete

TARGETS = {"cnn-basic": 0.9}


def train_on(devices: int, preset: str, number: int) -> None:
    """Train as a job does, a round whenever told to."""
    from models.lesson import TrainingData
    from models.registry import build
    from models.statistics import measure
    from models.training import configure, train

    case, rounds = CASES[preset], Rounds()
    resolved = case.resolved(number)
    # XLA compiles for one device alone; both sides do the same work.
    training = resolved.training.model_copy(update={"devices": devices, "xla": "off"})
    x, y = case.drawn()
    configure(os.cpu_count() or 1, resolved.network, training, case.source, rows=len(x))
    rows = np.arange(len(x))
    data = TrainingData(x, y, rows, rows[:0], case.source, measure(x, y, rows, case.source))

    def report(kind: str, figures: dict[str, Any]) -> None:
        if kind == "epoch" and figures["epoch"] % case.epochs == 0:
            rounds.end(figures["metrics"].get(case.figure, float("nan")))

    network = build(resolved.network, case.source, data.statistics, seed=0)
    train(network, resolved.network, training, data, report=report, should_stop=lambda: False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--preset", choices=CASES, default="cnn-basic", help="the network (default cnn-basic)"
    )
    parser.add_argument("--devices", type=int, default=2, help="how many devices (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default 3)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--train-on", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train_on:
        train_on(options.train_on, options.preset, options.rounds)
        return
    command = [sys.executable, "-m", "benchmarks.devices", "--preset", options.preset]
    command += ["--rounds", str(options.rounds), "--train-on"]
    found = compete({str(number): [*command, str(number)] for number in (1, options.devices)}, options.rounds)
    alone, together = found["1"], found[str(options.devices)]
    case = CASES[options.preset]
    rows = case.rows * case.epochs
    told = f"{rows / together.wall:,.0f} rows/s against {rows / alone.wall:,.0f}"
    what = f"{case.name}, {options.devices} devices against one"
    claims = [Claim(what, TARGETS.get(options.preset, 0.0), together.faster_than(alone), told)]
    reached = show("Training on several devices", claims, Console())
    write(options.json, claims, {name: asdict(standing) for name, standing in found.items()})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
