"""How fast networks train here, against the same networks in PyTorch, on the same rows, a round in turn.

python -m benchmarks.training_peers [--json PATH] [--rounds 5]
"""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.cases import CASES, Case
from benchmarks.claims import show, write
from benchmarks.contest import Standing, compete
from benchmarks.environments import ENVIRONMENTS, PEERS_FOLDER, installed
from benchmarks.training import claim, command

PEER = "pytorch"
PRESETS = ("cnn-basic", "lstm-sequence")
# Ahead, by whatever it is.
TARGET = 1.0


def contest(case: Case, rounds: int, folder: Path) -> dict[str, Standing]:
    """Let both train the network of a case."""
    training = case.resolved(rounds).training
    x, y = case.drawn()
    np.savez(folder / "rows.npz", x=x, y=y)
    numbers = (case.epochs, training.batch_size, training.optimizer.learning_rate)
    theirs = [
        str(ENVIRONMENTS / PEER / "bin/python"),
        str(PEERS_FOLDER / PEER / "train.py"),
        case.preset,
        str(folder / "rows.npz"),
        *map(str, numbers),
    ]
    return compete({"keraforge": command("keraforge", case, rounds), PEER: theirs}, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    options = parser.parse_args()
    console = Console()
    if not installed(PEER, console):
        return
    claims, figures = [], {}
    for preset in PRESETS:
        with tempfile.TemporaryDirectory() as folder:
            found = contest(CASES[preset], options.rounds, Path(folder))
        claims.append(claim(CASES[preset], "PyTorch", found["keraforge"], found[PEER], TARGET))
        figures[preset] = {name: asdict(standing) for name, standing in found.items()}
    reached = show("Training, rows a second, medians", claims, console)
    write(options.json, claims, {"rounds": options.rounds, "results": figures})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
