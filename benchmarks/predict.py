"""Predictions: throughput and latency of one-row JSON requests, beside a plain FastAPI and Keras service.

Both servers answer with the same network, one after the other, each on one core; the load generator has
another core.

    python -m benchmarks.predict [--json PATH] [--preset cnn-basic] [--size 28] [--seconds 5]
"""

import argparse
import json
import os
import platform
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import servers
from benchmarks.load import Load, Measured, ask, request_bytes
from benchmarks.published import MODEL, Published, publish_digits
from benchmarks.servers import Server

CONNECTIONS = (1, 8, 64)
ASKED_ROWS = 32
MEMORY_REQUESTS = 1000
# Probabilities of the served graph may differ from the network's by so much.
TOLERANCE = 1e-4

Figures = dict[str, Any]


def main() -> None:
    """Measure both servers and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.predict")
    parser.add_argument("--preset", default="cnn-basic", help="the network (default: %(default)s)")
    parser.add_argument(
        "--size", type=int, default=28, help="height and width of a row (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=5, help="length of a measurement (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console = Console()
    # The same core where there is no other.
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="keraforge-bench-") as folder:
        console.print(f"Training {arguments.preset} on {arguments.size}x{arguments.size} digits …")
        published = publish_digits(Path(folder), arguments.preset, arguments.size)
        os.sched_setaffinity(0, {cores[-1]})
        bodies = [
            json.dumps({"instances": row[None].tolist()}).encode() for row in published.rows[:ASKED_ROWS]
        ]
        console.print("Measuring Keraforge …")
        ours = _measure_keraforge(published, bodies, {cores[0]}, arguments.seconds)
        console.print("Measuring the plain service …")
        plain = _measure_plain(published, bodies, {cores[0]}, arguments.seconds)
    difference = float(np.abs(ours.pop("answer") - plain.pop("answer")).max())
    if not difference <= TOLERANCE:
        raise SystemExit(f"the servers disagree: their probabilities differ by {difference}")
    pairs = zip(ours["runs"], plain["runs"], strict=True)
    report = {
        "benchmark": "predict",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "network": arguments.preset,
        "row": [arguments.size, arguments.size, 1],
        "body_bytes": len(bodies[0]),
        "keraforge": ours,
        "plain": plain,
        "ratios": {run["connections"]: run["per_second"] / other["per_second"] for run, other in pairs},
    }
    _print(console, report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def _measure_keraforge(published: Published, bodies: list[bytes], cores: set[int], seconds: float) -> Figures:
    path, headers = f"/api/v1/models/{MODEL}/predict", {"Authorization": f"Bearer {published.key}"}
    requests = [request_bytes(path, body, headers) for body in bodies]
    with servers.keraforge(published, cores) as server:
        answer = json.loads(ask(server.port, requests[0]))
        probabilities = np.array([row["probabilities"] for row in answer["predictions"]])
        for number in range(MEMORY_REQUESTS):
            ask(server.port, requests[number % len(requests)])
        memory = server.resident_mib()
        if any(server.loaded(library) for library in ("tensorflow", "keras")):
            raise SystemExit("the web process has loaded TensorFlow")
        return {**_figures(server, requests, seconds), "mib_after_1000": memory, "answer": probabilities}


def _measure_plain(published: Published, bodies: list[bytes], cores: set[int], seconds: float) -> Figures:
    requests = [request_bytes("/predict", body, {}) for body in bodies]
    with servers.plain(published, cores) as server:
        probabilities = np.array(json.loads(ask(server.port, requests[0]))["predictions"])
        return {**_figures(server, requests, seconds), "answer": probabilities}


def _figures(server: Server, requests: list[bytes], seconds: float) -> Figures:
    load = Load(server.port, requests, server.processor_seconds)
    runs = [load.measure(connections, seconds) for connections in CONNECTIONS]
    return {
        "ready_seconds": server.ready_seconds,
        "runs": [asdict(run) for run in runs],
        "mib_at_the_end": server.resident_mib(),
    }


def _print(console: Console, report: Figures) -> None:
    size = "x".join(map(str, report["row"]))
    table = Table(title=f"One row of {size} as JSON, {report['network']}, server on one core")
    for name in ("connections", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs", "ratio"):
        table.add_column(name, justify="left" if name == "server" else "right")
    for ours, plain in zip(report["keraforge"]["runs"], report["plain"]["runs"], strict=True):
        connections = ours["connections"]
        table.add_row(
            str(connections), "Keraforge", *cells(Measured(**ours)), f"{report['ratios'][connections]:.0f} x"
        )
        table.add_row("", "plain", *cells(Measured(**plain)), "", end_section=True)
    console.print(table)
    console.print("CPU: the server's processor time for one request.")
    for name, label in (("keraforge", "Keraforge"), ("plain", "FastAPI + Keras")):
        found = report[name]
        parts = [f"{label}: ready after {found['ready_seconds']:.2f} s"]
        if "mib_after_1000" in found:
            parts.append(f"{found['mib_after_1000']:.0f} MiB after 1,000 predictions")
        console.print(", ".join([*parts, f"{found['mib_at_the_end']:.0f} MiB at the end"]))


def cells(run: Measured) -> list[str]:
    """Return the figures of a run as a table shows them."""
    return [f"{run.per_second:,.0f}", f"{run.p50:.2f}", f"{run.p99:.2f}", f"{run.processor_us:,.0f}"]


if __name__ == "__main__":
    main()
