"""Predictions: the same requests to Keraforge and to other servers of the same ONNX graph.

Each peer lives in an environment of its own below ``build/peers``; one that cannot be installed is named and
left out. In each round all servers are started afresh, one after the other, on one core, the load generator
on another. Medians of all rounds are told: the machine may have neighbours. A server that does nothing shows
that the load generator is fast enough to measure the others.

    python -m benchmarks.against_peers [--json PATH] [--only small] [--rounds 3] [--seconds 2]
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from functools import partial
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
# Of each server, in every round, a run with each number of connections.
Runs = dict[str, list[list[Measured]]]


def main() -> int:
    """Measure all servers with every workload; print the tables, and return 0 where every claim holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=[each.name for each in WORKLOADS], help="only this workload")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=2, help="length of a measurement")
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
            found[each.name] = _measured(each, trained, present, {cores[0]}, options)
            _print(console, each, found[each.name])
    claims = [claim for each in chosen for claim in _claims(each, found[each.name])]
    figures = {
        name: {server: [[asdict(run) for run in each] for each in rounds] for server, rounds in runs.items()}
        for name, runs in found.items()
    }
    write(options.json, claims, {"workloads": figures})
    return 0 if show("Against other servers", claims, console) else 1


def _measured(
    workload: Workload, trained: Trained, present: list[Rival], cores: set[int], options: argparse.Namespace
) -> Runs:
    """Measure every server in every round."""
    runs: Runs = {}
    candidates = dict(_candidates(workload, trained, present, cores))
    for _ in range(options.rounds):
        for name in list(candidates):
            starting, requests = candidates[name]
            try:
                with starting() as server:
                    load = Load(server.port, requests, server.processor_seconds)
                    measured = [load.measure(number, options.seconds) for number in CONNECTIONS]
            except NotAnswered as error:
                reason = str(error)[-LONGEST_REASON:]
                Console().print(f"{name} is left out, it answered no success: {reason}", markup=False)
                del candidates[name]
                runs.pop(name, None)
                continue
            runs.setdefault(name, []).append(measured)
    return runs


def _candidates(
    workload: Workload, trained: Trained, present: list[Rival], cores: set[int]
) -> Iterator[tuple[str, tuple[Callable[[], AbstractContextManager[Server]], list[bytes]]]]:
    """Yield what is compared, by name: what starts it, and its requests."""
    requests = workloads.native(workload, trained.key)
    tensors = workloads.tensors(workload, trained.inputs[workload.model])
    graph = {"GRAPH": str(trained.graphs[workload.model])}
    yield OURS, (partial(servers.keraforge, trained, cores), requests)
    if workload.binary:
        asked = [request_bytes("/", tensor.tobytes(), {}) for tensor in tensors]
        yield BARE, (partial(_bare, graph, cores), asked)
    else:
        name = trained.inputs[workload.model]["name"]
        for rival in present:
            asked = [request_bytes(rival.path, rival.body(tensor, name), {}) for tensor in tensors]
            yield rival.name, (partial(rivals.running, rival, graph, cores), asked)
    yield NOTHING, (partial(_bare, {}, cores), requests)


@contextmanager
def _bare(environment: Mapping[str, str], cores: set[int]) -> Iterator[Server]:
    port = rivals.free_port()
    options = ["--port", str(port), "--log-level", "error", "--no-access-log", "--lifespan", "off"]
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare:app", *options]
    url = f"http://127.0.0.1:{port}/"
    with servers.running(command, {**os.environ, **environment}, cores, url=url) as server:
        yield server


def _claims(workload: Workload, runs: Runs) -> Iterator[Claim]:
    alone, eight = CONNECTIONS.index(1), CONNECTIONS.index(8)
    for name in runs:
        if name == OURS:
            continue
        ratio = _ratio(runs, name, eight)
        told = f"8 connections: {_told(runs, name, eight, 'per_second', '{:,.0f}')} requests/s"
        if name == NOTHING:
            yield Claim(f"{workload.title}: {name}", 1.5, 1 / ratio, f"{told}, the least that load can make")
            continue
        yield Claim(f"{workload.title}: {name}", _target(workload, name), ratio, told)
        if name == "mlserver":
            ratio = _ratio(runs, name, alone, "p50")
            told = f"1 connection: p50 {_told(runs, name, alone, 'p50', '{:.2f}')} ms"
            target = 0.5 if workload.name == "small" else 1.0
            yield Claim(f"{workload.title}: p50, {name}", target, ratio, told, at_most=True)


def _ratio(runs: Runs, name: str, place: int, figure: str = "per_second") -> float:
    """Return the median, over the rounds, of our figure divided by another's."""
    pairs = zip(runs[OURS], runs[name], strict=True)
    return statistics.median(
        getattr(ours[place], figure) / getattr(other[place], figure) for ours, other in pairs
    )


def _told(runs: Runs, name: str, place: int, figure: str, form: str) -> str:
    ours, other = (getattr(_median(runs[each], place), figure) for each in (OURS, name))
    return f"{form.format(ours)} against {form.format(other)}"


def _median(rounds: list[list[Measured]], place: int) -> Measured:
    """Return the median of each figure for itself."""
    found = [asdict(each[place]) for each in rounds]
    return Measured(**{name: statistics.median(each[name] for each in found) for name in found[0]})


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
        for name, rounds in found.items():
            shown = cells(_median(rounds, place))
            table.add_row(str(connections), name, *shown, f"{_ratio(found, name, place):.2f} x")
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
