"""Connections: what the limits on heads and pauses cost a request, beside the server's protocol without them.

Both servers answer one-row predictions of the same network from the same core, in many short turns; the load
generator has another core. What is compared is the processor time of the server's event loop for a request,
of each two turns that follow one another: it says little of what else the machine does.

    python -m benchmarks.connections [--json PATH] [--seconds 0.5] [--rounds 60] [--connections 8]
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks import servers
from benchmarks.load import Load, request_bytes
from benchmarks.published import MODEL, Published, publish_digits
from benchmarks.servers import Server
from keraforge.up.programs import HTTP

ROWS = 32
WARM_UP = 0.1


def main() -> None:
    """Measure both in turns and print the ratio of the processor time that a request takes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.connections")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=60, help="turns of each (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=8, help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console = Console()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="keraforge-bench-") as folder:
        published = publish_digits(Path(folder), "cnn-basic", 28)
        os.sched_setaffinity(0, {cores[-1]})
        with (
            servers.keraforge(published, {cores[0]}, HTTP) as limited,
            servers.keraforge(published, {cores[0]}, "httptools") as plain,
        ):
            requests = _requests(published)
            loads = [Load(each.port, requests, _loop_seconds(each), WARM_UP) for each in (limited, plain)]
            turns = []
            for number in range(arguments.rounds):
                # Whoever is first in a round may find another machine than who is second.
                order = loads if number % 2 else loads[::-1]
                found = {load.port: load.measure(arguments.connections, arguments.seconds) for load in order}
                turns.append([found[load.port] for load in loads])
    ours, others = (sorted(turn[side].processor_us for turn in turns) for side in (0, 1))
    ratio = statistics.median(turn[0].processor_us / turn[1].processor_us for turn in turns)
    quiet = len(turns) // 10
    console.print(
        f"One-row prediction, {arguments.connections} connections, {len(turns)} rounds: "
        f"{ours[quiet]:.1f} µs of processor with limits and {others[quiet]:.1f} µs without, in a quiet turn; "
        f"ratio {ours[quiet] / others[quiet]:.3f}, median of all rounds {ratio:.3f}",
        soft_wrap=True,
    )
    if arguments.json:
        runs = [[asdict(each) for each in turn] for turn in turns]
        arguments.json.write_text(json.dumps({"ratio": ratio, "rounds": runs}, indent=1) + "\n")


def _loop_seconds(server: Server) -> Callable[[], float]:
    """Return what tells the processor time of the server's first thread, far finer than in clock ticks."""
    told = Path(f"/proc/{server.pid}/schedstat")
    return lambda: int(told.read_text().split()[0]) / 1e9


def _requests(published: Published) -> list[bytes]:
    path, headers = f"/api/v1/models/{MODEL}/predict", {"Authorization": f"Bearer {published.key}"}
    bodies = (json.dumps({"instances": row[None].tolist()}).encode() for row in published.rows[:ROWS])
    return [request_bytes(path, body, headers) for body in bodies]


if __name__ == "__main__":
    main()
