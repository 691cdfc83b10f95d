"""Break the service in every way, and count what was lost.

Each part starts a service of its own, has a client submit jobs while things are killed, and then decides from
the client's history, the database and the files whether every promise was kept.

    make chaos ARGS="--only kills --jobs 200 --kills 50 --seed 7"
"""

import argparse
import json
import logging
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from chaos.outcome import Options, Outcome, log_of
from chaos.parts import (
    crashes,
    disk,
    duplicates,
    hosts,
    kills,
    postgres,
    recovery,
    redis,
    rolling,
    skew,
    stopped,
    training,
)
from chaos.planted import BUGS
from chaos.servers import NotInstalled
from rich.console import Console
from rich.table import Table

Part = Callable[[Options, Path], Outcome]

# How many jobs a part has whose point is not their number, by the jobs that were asked for.
SMALL = 10
PARTS: dict[str, Part] = {
    "kills": kills.on_two_hosts,
    "kills-sqlite": kills.on_one_host,
    "training": training.run,
    "redis": redis.run,
    "postgres": postgres.run,
    "duplicates": duplicates.run,
    "skew": skew.run,
    "stopped": stopped.run,
    "disk": disk.run,
    "crashes": crashes.run,
    "rolling": rolling.run,
    "hosts": hosts.run,
    "recovery": recovery.run,
}
WHOLE = {"kills"}


def options_for(name: str, whole: Options) -> Options:
    """Return what a part is asked for: all of it, or a tenth of the jobs and kills."""
    if name in WHOLE:
        return whole
    return replace(whole, jobs=max(SMALL, whole.jobs // 10), kills=max(4, whole.kills // 10))


def run(name: str, options: Options, console: Console) -> Outcome:
    """Run one part in a folder of its own, which stays where promises were broken."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{name}-"))
    console.print(f"{time.strftime('%H:%M:%S')} {name} …")
    try:
        outcome = PARTS[name](options_for(name, options), folder)
    except NotInstalled as missing:
        outcome = Outcome(name, skipped=str(missing))
    except Exception:
        console.print(log_of(folder), markup=False)
        raise
    if outcome.is_good:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        console.print(f"what is left of it lies in {folder}")
    return outcome


def show(outcomes: list[Outcome], console: Console) -> None:
    """Print the figures, and what was broken."""
    table = Table("part", "seconds", "figures", "broken", title="Chaos")
    for outcome in outcomes:
        told = outcome.skipped and f"SKIPPED: {outcome.skipped}"
        told = told or ", ".join(f"{name} {value}" for name, value in outcome.figures.items())
        table.add_row(outcome.name, f"{outcome.seconds:.0f}", told, str(len(outcome.violations)))
    console.print(table)
    for outcome in outcomes:
        for violation in outcome.violations[:20]:
            console.print(f"{outcome.name}: {violation.invariant}: {violation.message}", markup=False)


def write(path: Path, options: Options, outcomes: list[Outcome]) -> None:
    """Write all of it, and on what it was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    found = {"date": time.strftime("%Y-%m-%d"), "machine": machine, "options": asdict(options)}
    path.write_text(json.dumps(found | {"parts": [asdict(outcome) for outcome in outcomes]}, indent=1) + "\n")


def main() -> int:
    """Run the parts; the status tells whether all promises were kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    parser.add_argument("--jobs", type=int, default=2000, help="jobs of the storm; other parts have a tenth")
    parser.add_argument("--kills", type=int, default=500, help="kills in the storm; other parts have a tenth")
    parser.add_argument("--trainings", type=int, default=100, help="jobs that are trained for real")
    parser.add_argument("--rounds", type=int, default=20, help="stops, sleeps and restarts of a part")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="what chance does")
    parser.add_argument("--json", type=Path, default=Path("build/chaos.json"), help="where figures go")
    parser.add_argument("--seconds", type=float, default=24 * 3600.0, help="time of a storm")
    parser.add_argument("--plant", choices=BUGS, default="", help="a bug to be found by kills")
    given = parser.parse_args()
    told = {name: value for name, value in vars(given).items() if name not in {"only", "json"}}
    options = Options(**told)
    # What was started is ended in any case.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console()
    # What the engine says of faults is what this is about; each program has a log of its own.
    logging.disable(logging.WARNING)
    console.print(f"seed {options.seed}")
    outcomes: list[Outcome] = []
    for name in given.only:
        outcomes.append(run(name, options, console))
        write(given.json, options, outcomes)
    show(outcomes, console)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
