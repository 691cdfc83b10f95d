"""How fast networks train here, against a plain Keras ``fit`` of the same network on the same rows.

Each candidate lives in a process of its own, as it would in a script of its own, warms up, and then trains a
few epochs at a time, in turn with the other. Wall clock and processor time are those of the epochs alone: no
import, no tracing, no first epoch. A GAN, which `fit` does not train, meets the loop that textbooks print.

    python -m benchmarks.training [--json PATH] [--rounds 5] [--only PRESET]
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.cases import CASES, Case
from benchmarks.claims import Claim, show, write
from benchmarks.contest import Standing, compete

# Candidates draw their own order and dropout, so that the same accuracy means one near by.
NEAR = {"accuracy": 0.04, "loss": 0.01}


def command(candidate: str, case: Case, rounds: int) -> list[str]:
    """Return what starts a candidate."""
    return [sys.executable, "-m", "benchmarks.candidates", candidate, case.preset, str(rounds)]


def claim(case: Case, name: str, ours: Standing, other: Standing, target: float) -> Claim:
    """Return what is said of one network against another program, by what both did in turn."""
    rows = case.rows * case.epochs
    told = f"{rows / ours.wall:,.0f} rows/s against {rows / other.wall:,.0f}; processor " + (
        f"{1e6 * ours.processor / rows:,.1f} µs a row against {1e6 * other.processor / rows:,.1f}"
    )
    objection = ""
    if case.figure:
        best = max if case.figure == "accuracy" else min
        mine, theirs = best(ours.figures), best(other.figures)
        told += f"; {case.figure} {mine:.3g} and {theirs:.3g}"
        worse = theirs - mine if case.figure == "accuracy" else mine - theirs
        objection = f"{case.figure} is worse" if not worse <= NEAR[case.figure] else ""
    return Claim(f"{case.name}, against {name}", target, ours.faster_than(other), told, objection=objection)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each candidate (default 5)")
    parser.add_argument("--only", choices=CASES, help="only this network")
    options = parser.parse_args()
    claims, figures = [], {}
    for case in CASES.values():
        if options.only not in (None, case.preset):
            continue
        other = "plain" if case.figure else "textbook"
        name = "plain fit" if case.figure else "the textbook loop"
        commands = {candidate: command(candidate, case, options.rounds) for candidate in ("keraforge", other)}
        found = compete(commands, options.rounds)
        claims.append(claim(case, name, found["keraforge"], found[other], case.target))
        figures[case.preset] = {candidate: asdict(standing) for candidate, standing in found.items()}
    reached = show("Training, rows a second, medians", claims, Console())
    write(options.json, claims, {"rounds": options.rounds, "results": figures})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
