"""What the service adds to a training: before its first step, beside its epochs, and after its last one.

A service as `keraforge up` starts it, with a warm trainer, against the same training by itself in a warm
interpreter; in turn. Publishing is from the last epoch to the version that can be asked: evaluate, export,
compare, draw, store. Each preset publishes one version, after one epoch.

    python -m benchmarks.jobs [--json PATH] [--rounds 3] [--only overhead|first|publish] [--epochs 400]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.alone import PRESET
from benchmarks.claims import Claim, show, write
from benchmarks.gallery.datasets import register
from benchmarks.gallery.exhibits import EXHIBITS, Exhibit
from benchmarks.gallery.service import Service, running

PARTS = ("overhead", "first", "publish")
DATASET = "digits"
# One batch of all rows: the first step is the only one.
ONE_STEP = {"epochs": 1, "batch_size": 2048, "validation": 0, "early_stopping": None}
FIRST_STEP_SECONDS, PUBLISH_SECONDS, OVERHEAD = 1.5, 5.0, 1.05
LONG_SECONDS = 30.0


@dataclass(frozen=True)
class Timed:
    """A job's seconds from its submission to its first epoch's end, its last one's, and its own end."""

    first: float
    last: float
    over: float


def submitted(service: Service, exhibit: Exhibit, training: dict[str, Any]) -> Timed:
    """Run a job and return when what happened."""
    began = time.time()
    network = {"preset": exhibit.preset, **exhibit.network}
    job = service.client.train(
        model=exhibit.model, dataset=exhibit.dataset, network=network, training=training
    )
    events = list(service.client.jobs.watch(job.id, after=0))
    epochs = [_since(began, event.at) for event in events if event.type == "epoch"]
    ended = service.client.jobs.wait(job.id)
    return Timed(epochs[0], epochs[-1], _since(began, ended.finished_at))


def alone(training: dict[str, Any]) -> tuple[float, float]:
    """Return the seconds of the same training by itself: to its first epoch's end and to its last one's."""
    command = [sys.executable, "-m", "benchmarks.alone", json.dumps(training)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    process.stdout.readline()
    said, _ = process.communicate("\n")
    if process.returncode:
        raise SystemExit(f"the training by itself ended with status {process.returncode}")
    first, last = map(float, said.split())
    return first, last


def overhead(service: Service, options: argparse.Namespace) -> Claim:
    """Submit to the end of the last epoch, against the same training by itself."""
    training = {"epochs": options.epochs, "early_stopping": None}
    pairs = [
        (submitted(service, _digits(), training).last, alone(training)[1]) for _ in range(options.rounds)
    ]
    job, bare = map(statistics.median, zip(*pairs, strict=True))
    told = f"{job:.1f} s against {bare:.1f} s for {options.epochs} epochs of {PRESET}"
    short = f"it took less than {LONG_SECONDS:.0f} s" if bare < LONG_SECONDS else ""
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    return Claim("a job, against its training alone", OVERHEAD, ratio, told, at_most=True, objection=short)


def first(service: Service, options: argparse.Namespace) -> Claim:
    """Submit to the end of the first step, less what the step takes by itself with building and tracing."""
    pairs = [
        (submitted(service, _digits(), dict(ONE_STEP)).first, alone(dict(ONE_STEP))[0])
        for _ in range(options.rounds)
    ]
    job, bare = map(statistics.median, zip(*pairs, strict=True))
    told = f"{job:.2f} s, of which building, tracing and the step itself take {bare:.2f} s alone"
    added = statistics.median(ours - theirs for ours, theirs in pairs)
    return Claim("added before the first step", FIRST_STEP_SECONDS, added, told, at_most=True, unit="s")


def publish(service: Service, options: argparse.Namespace) -> Claim:
    """The slowest preset, from its last epoch to its version."""
    presets = {each.preset: each for each in reversed(EXHIBITS)}
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset, exhibit in sorted(presets.items()):
            register(service.client, exhibit.dataset, Path(folder))
            training = {"epochs": 1, "early_stopping": None, "max_seconds": options.max_seconds}
            timed = submitted(service, replace(exhibit, name=f"published-{preset}"), training)
            seconds[preset] = timed.over - timed.last
            print(f"{preset:24} {seconds[preset]:.2f} s", flush=True)
    slowest = max(seconds, key=lambda preset: seconds[preset])
    told = f"{slowest}; median of {len(seconds)} presets {statistics.median(seconds.values()):.2f} s"
    return Claim("publish, slowest preset", PUBLISH_SECONDS, seconds[slowest], told, at_most=True, unit="s")


def main() -> None:
    options = _options()
    parts: dict[str, Callable[[Service, argparse.Namespace], Claim]] = dict(
        zip(PARTS, (overhead, first, publish), strict=True)
    )
    console, claims = Console(), list[Claim]()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "service") as service:
        register(service.client, DATASET, Path(folder))
        # The first job waits for what keeps the others warm.
        submitted(service, _digits(), dict(ONE_STEP))
        claims += [parts[part](service, options) for part in options.only or PARTS]
    reached = show("What the service adds", claims, console)
    write(options.json, claims, {"rounds": options.rounds})
    sys.exit(not reached)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default 3)")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--epochs", type=int, default=400, help="epochs of the long job (default 400)")
    parser.add_argument("--max-seconds", type=float, default=60.0, help="of the epoch before publishing")
    return parser.parse_args()


def _digits() -> Exhibit:
    return Exhibit(PRESET, DATASET, name="measured")


def _since(began: float, at: str | None) -> float:
    return datetime.fromisoformat(at or "").timestamp() - began


if __name__ == "__main__":
    main()
