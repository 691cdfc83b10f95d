"""Predictions while a training fills the machine, all of which have all cores."""

import statistics
import subprocess
import time
from pathlib import Path

import httpx

from benchmarks.claims import Claim
from benchmarks.layout import questions, shared
from benchmarks.made import Registry, graph
from benchmarks.open_load import Seen, Stream, measure
from keraforge.up.programs import environment_of
from workers.command import worker_command

RATE, CONNECTIONS = 200, 8
START_SECONDS = 120.0
# More than the measurement needs.
JOB = {
    "model": "trained",
    "dataset": "digits",
    "network": {"family": "cnn", "preset": "cnn-basic"},
    "training": {"epochs": 10_000},
}


def training(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """A steady load's p99 while a training runs, against its p99 before: medians, and the two in turn."""
    registry = Registry.in_folder(folder / "data")
    registry.publish("asked", graph(0))
    stream = Stream("asked", questions(registry, "asked"), RATE, CONNECTIONS)
    with shared(registry) as server:
        idle = [_measured(server.port, stream, seconds) for _ in range(rounds)]
        with (
            (folder / "worker.log").open("w") as log,
            subprocess.Popen(
                worker_command(), env=environment_of(registry.settings), stdout=log, stderr=subprocess.STDOUT
            ) as worker,
        ):
            try:
                _train(server.port, registry.key)
                busy = [_measured(server.port, stream, seconds) for _ in range(rounds)]
            finally:
                worker.terminate()
    lone, beside = (statistics.median(seen.p99 for seen in each) for each in (idle, busy))
    told = f"p99 {beside:.2f} ms against {lone:.2f} ms, {RATE} requests/s"
    return [Claim("Predictions while a training fills the machine", 5, beside / lone, told, at_most=True)]


def _measured(port: int, stream: Stream, seconds: float) -> Seen:
    (seen,) = measure(port, [stream], seconds)
    if seen.failed:
        raise SystemExit(f"requests failed: {seen}")
    return seen


def _train(port: int, key: str) -> None:
    """Return when a training is under way."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers) as client:
        client.post("/datasets", json={"name": "digits", "builtin": "digits"}).raise_for_status()
        job = client.post("/jobs", json=JOB).raise_for_status().json()["id"]
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = client.get(f"/jobs/{job}").json()
            if (found["progress"] or {}).get("epoch"):
                return
            if found["state"] in ("failed", "cancelled"):
                raise SystemExit(f"the training ended: {found}")
            time.sleep(0.2)
    raise SystemExit("the training did not begin")
