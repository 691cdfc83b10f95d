"""Predictions: one-row JSON requests to Keraforge beside other servers of the same ONNX graph.

Each peer lives in an environment of its own below ``build/peers``; one that cannot be installed is named and
left out. Servers run one after the other on one core, the load generator on another.

    python -m benchmarks.against_peers [--json PATH] [--preset cnn-basic] [--size 28] [--seconds 5]
"""

import argparse
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import servers
from benchmarks.environments import ENVIRONMENTS, PEERS_FOLDER, installed
from benchmarks.load import Load, Measured, request_bytes
from benchmarks.predict import CONNECTIONS, cells
from benchmarks.published import MODEL, publish_digits
from benchmarks.servers import Server

ASKED_ROWS = 32


@dataclass(frozen=True)
class Peer:
    """Another server: what starts it in its environment, and how it is asked for one row."""

    name: str
    command: tuple[str, ...]
    ready: str
    path: str

    def body(self, row: np.ndarray) -> bytes:
        """Return the JSON body that asks for one row, in the server's own format."""
        if self.name == "mlserver":
            shape = [1, *row.shape]
            tensor = {"name": "image", "shape": shape, "datatype": "FP32", "data": row.ravel().tolist()}
            return json.dumps({"inputs": [tensor]}).encode()
        return json.dumps({"instances": [row.tolist()]}).encode()


PEERS = (
    Peer("litserve", ("bin/python", "server.py"), "/health", "/predict"),
    Peer("mlserver", ("bin/mlserver", "start", "."), "/v2/health/ready", f"/v2/models/{MODEL}/infer"),
)


def main() -> None:
    """Measure all servers and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_peers")
    parser.add_argument("--preset", default="cnn-basic", help="the network (default: %(default)s)")
    parser.add_argument("--size", type=int, default=28, help="height and width of a row")
    parser.add_argument("--seconds", type=float, default=5, help="length of a measurement")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console = Console()
    present = [peer for peer in PEERS if installed(peer.name, console)]
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="keraforge-bench-") as folder:
        published = publish_digits(Path(folder), arguments.preset, arguments.size)
        os.sched_setaffinity(0, {cores[-1]})
        rows = published.rows[:ASKED_ROWS].astype(float)
        headers = {"Authorization": f"Bearer {published.key}"}
        path = f"/api/v1/models/{MODEL}/predict"
        bodies = [json.dumps({"instances": [row.tolist()]}).encode() for row in rows]
        with servers.keraforge(published, {cores[0]}) as server:
            found = {"keraforge": _runs(server, path, bodies, headers, arguments.seconds)}
        for peer in present:
            console.print(f"Measuring {peer.name} …")
            with _running(peer, published.onnx_file, {cores[0]}) as server:
                bodies = [peer.body(row) for row in rows]
                found[peer.name] = _runs(server, peer.path, bodies, {}, arguments.seconds)
    _print(console, found)
    if arguments.json:
        report = {name: [asdict(run) for run in runs] for name, runs in found.items()}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


@contextmanager
def _running(peer: Peer, graph: Path, cores: set[int]) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "GRAPH": str(graph),
        "PORT": str(port),
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": "0",
        "MLSERVER_METRICS_PORT": "0",
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_DEBUG": "false",
        "MLSERVER_ACCESS_LOG": "false",
    }
    program, *rest = peer.command
    command = [str(ENVIRONMENTS / peer.name / program), *rest]
    url = f"http://127.0.0.1:{port}{peer.ready}"
    with servers.running(command, environment, cores, url=url, folder=PEERS_FOLDER / peer.name) as server:
        yield server


def _runs(
    server: Server, path: str, bodies: list[bytes], headers: dict[str, str], seconds: float
) -> list[Measured]:
    requests = [request_bytes(path, body, headers) for body in bodies]
    load = Load(server.port, requests, server.processor_seconds)
    return [load.measure(number, seconds) for number in CONNECTIONS]


def _print(console: Console, found: dict[str, list[Measured]]) -> None:
    table = Table(title="One row as JSON, each server on one core")
    for name in ("connections", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs", "Keraforge ÷ it"):
        table.add_column(name, justify="left" if name == "server" else "right")
    for place, connections in enumerate(CONNECTIONS):
        ours = found["keraforge"][place]
        for name, runs in found.items():
            run = runs[place]
            table.add_row(str(connections), name, *cells(run), f"{ours.per_second / run.per_second:.1f} x")
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    main()
