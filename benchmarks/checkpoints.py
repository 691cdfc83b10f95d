"""What checkpoints cost: the share of a training's time in which they are written.

    python -m benchmarks.checkpoints [--json PATH] [--seconds 60]

Each network trains for so long with a checkpoint every five seconds, six times as often as by default.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.claims import Claim, show, write
from models.keeper import SHARE, Keeper
from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build
from models.statistics import measure
from models.training import train

PRESETS = ("mlp-mnist", "cnn-small", "cnn-basic", "lstm-sequence")
OFTEN = 5.0


def claim(preset: str, seconds: float) -> Claim:
    """Train a network for so long, and measure how long its checkpoints took."""
    case = CASES[preset]
    training = {"epochs": 10_000, "max_seconds": seconds, "early_stopping": None}
    specs = resolve({"preset": preset}, training, case.source)
    x, y = case.drawn()
    rows, places = np.arange(len(x)), []
    statistics = measure(x, y, rows, case.source)
    data = TrainingData(x, y, rows, rows[:256], case.source, statistics)

    def report(kind: str, figures: dict[str, Any]) -> None:
        if kind == "checkpoint":
            places.append(figures)

    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(Path(folder), report, OFTEN)
        network = build(specs.network, case.source, statistics, seed=0)
        train(network, specs.network, specs.training, data, report=report, should_stop=bool, keeper=keeper)
        size = max(path.stat().st_size for path in Path(folder).glob("*.npz"))
    told = f"{len(places)} checkpoints of up to {size / 1e6:,.1f} MB, {keeper.spent:.2f} s together"
    return Claim(f"{case.name}: share of writing", SHARE, keeper.spent / seconds, told, at_most=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for each network (default 60)")
    options = parser.parse_args()
    claims = [claim(preset, options.seconds) for preset in PRESETS]
    reached = show("Checkpoints, share of the time of training", claims, Console())
    write(options.json, claims, {"seconds": options.seconds})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
