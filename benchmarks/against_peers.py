"""Predictions: the same requests to Keraforge and to other servers of the same ONNX graph.

Each peer lives in an environment of its own below ``build/peers``; one that cannot be installed is named and
left out. Servers run one after the other on one core, the load generator on another; against a server that
does nothing it shows first that it is fast enough to measure the others.

    python -m benchmarks.against_peers [--json PATH] [--only small] [--seconds 4]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import rivals, servers, workloads
from benchmarks.claims import Claim, show, write
from benchmarks.environments import installed
from benchmarks.load import Load, Measured, NotAnswered, request_bytes
from benchmarks.predict import CONNECTIONS, cells
from benchmarks.rivals import RIVALS, Rival
from benchmarks.servers import Server
from benchmarks.trained import Trained, train_all
from benchmarks.workloads import WORKLOADS, Workload

OURS, BARE, NOTHING = "keraforge", "bare ASGI", "an application that does nothing"
LONGEST_REASON = 300
Runs = dict[str, list[Measured]]


def main() -> int:
    """Measure all servers with every workload; print the tables, and return 0 where every claim holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=[each.name for each in WORKLOADS], help="only this workload")
    parser.add_argument("--seconds", type=float, default=4, help="length of a measurement")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    options = parser.parse_args()
    console = Console()
    chosen = [each for each in WORKLOADS if options.only in (None, each.name)]
    present = [rival for rival in RIVALS if installed(rival.name, console)]
    cores = sorted(os.sched_getaffinity(0))
    found: dict[str, Runs] = {}
    with tempfile.TemporaryDirectory(prefix="keraforge-bench-") as folder:
        console.print("Training …")
        trained = train_all(Path(folder), chosen)
        os.sched_setaffinity(0, {cores[-1]})
        for each in chosen:
            console.print(f"Measuring: {each.title} …")
            found[each.name] = _measured(each, trained, present, {cores[0]}, options.seconds)
            _print(console, each, found[each.name])
    claims = [claim for each in chosen for claim in _claims(each, found[each.name])]
    figures = {
        name: {server: [asdict(run) for run in runs] for server, runs in each.items()}
        for name, each in found.items()
    }
    write(options.json, claims, {"workloads": figures})
    return 0 if show("Against other servers", claims, console) else 1


def _measured(
    workload: Workload, trained: Trained, present: list[Rival], cores: set[int], seconds: float
) -> Runs:
    requests = workloads.native(workload, trained.key)
    with servers.keraforge(trained, cores) as server:
        runs = {OURS: _runs(server, requests, seconds)}
    tensors = workloads.tensors(workload, trained.inputs[workload.model])
    graph = {"GRAPH": str(trained.graphs[workload.model])}
    if workload.binary:
        with _bare(graph, cores) as server:
            asked = [request_bytes("/", tensor.tobytes(), {}) for tensor in tensors]
            runs[BARE] = _runs(server, asked, seconds)
    else:
        for rival in present:
            with rivals.running(rival, graph, cores) as server:
                name = trained.inputs[workload.model]["name"]
                asked = [request_bytes(rival.path, rival.body(tensor, name), {}) for tensor in tensors]
                try:
                    runs[rival.name] = _runs(server, asked, seconds)
                except NotAnswered as error:
                    reason = str(error)[-LONGEST_REASON:]
                    Console().print(
                        f"{rival.name} is left out, it answered no success: {reason}", markup=False
                    )
    with _bare({}, cores) as server:
        runs[NOTHING] = _runs(server, requests, seconds)
    return runs


@contextmanager
def _bare(environment: Mapping[str, str], cores: set[int]) -> Iterator[Server]:
    port = rivals.free_port()
    options = ["--port", str(port), "--log-level", "error", "--no-access-log", "--lifespan", "off"]
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare:app", *options]
    url = f"http://127.0.0.1:{port}/"
    with servers.running(command, {**os.environ, **environment}, cores, url=url) as server:
        yield server


def _runs(server: Server, requests: list[bytes], seconds: float) -> list[Measured]:
    load = Load(server.port, requests, server.processor_seconds)
    return [load.measure(number, seconds) for number in CONNECTIONS]


def _claims(workload: Workload, runs: Runs) -> Iterator[Claim]:
    alone, eight = CONNECTIONS.index(1), CONNECTIONS.index(8)
    ours = runs[OURS]
    for name, other in runs.items():
        if name == OURS:
            continue
        ratio = ours[eight].per_second / other[eight].per_second
        told = (
            f"8 connections: {ours[eight].per_second:,.0f} requests/s against {other[eight].per_second:,.0f}"
        )
        if name == NOTHING:
            yield Claim(f"{workload.title}: {name}", 1.5, 1 / ratio, f"{told}, the least that load can make")
            continue
        yield Claim(f"{workload.title}: {name}", _target(workload, name), ratio, told)
        if name == "mlserver":
            ratio = ours[alone].p50 / other[alone].p50
            told = f"1 connection: p50 {ours[alone].p50:.2f} ms against {other[alone].p50:.2f}"
            target = 0.5 if workload.name == "small" else 1.0
            yield Claim(f"{workload.title}: p50, {name}", target, ratio, told, at_most=True)


def _target(workload: Workload, name: str) -> float:
    """Return how many times as fast as another server it should be; for what has no figure set, as fast."""
    if name == BARE:
        return 0.7
    return {"mlserver": 2.5}.get(name, 10.0) if workload.name == "small" else 1.0


def _print(console: Console, workload: Workload, found: Runs) -> None:
    table = Table(title=f"{workload.title}; each server on one core")
    for name in ("connections", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs", "Keraforge ÷ it"):
        table.add_column(name, justify="left" if name == "server" else "right")
    for place, connections in enumerate(CONNECTIONS):
        ours = found[OURS][place]
        for name, runs in found.items():
            run = runs[place]
            table.add_row(str(connections), name, *cells(run), f"{ours.per_second / run.per_second:.2f} x")
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
