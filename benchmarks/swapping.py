"""Versions that come and go: what that costs requests, and memory."""

import asyncio
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.database import Database
from app.serving.engine import Engine
from app.serving.snapshot import Target
from app.storage import Store
from benchmarks.claims import Claim
from benchmarks.layout import questions, served
from benchmarks.load import ask
from benchmarks.made import Registry, graph
from benchmarks.open_load import Stream, measure

RATE, CONNECTIONS = 200, 8
# A version every so many seconds.
PERIOD = 2.0
VERSIONS = 30
CYCLES, FIRST_CYCLES = 200, 10


def swap(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """A steady load while version after version becomes the champion."""
    registry = Registry.in_folder(folder / "data")
    registry.publish("swapped", graph(0))
    stream = Stream("swapped", questions(registry, "swapped"), RATE, CONNECTIONS)
    pairs, failed, numbers = [], 0, []
    with served(registry) as server:
        for _ in range(rounds):
            (steady,) = measure(server.port, [stream], seconds / 2)
            with _publishing(registry, "swapped", round(seconds / 2 / PERIOD)):
                (swapped,) = measure(server.port, [stream], seconds / 2)
            pairs.append((steady.p99, swapped.p99))
            failed += steady.failed + swapped.failed
            numbers.append(json.loads(ask(server.port, stream.requests[0]))["version"])
    ratio = statistics.median(mine / other for other, mine in pairs)
    steady_p99, swapped_p99 = (statistics.median(each) for each in zip(*pairs, strict=True))
    told = (
        f"p99 {swapped_p99:.2f} ms against {steady_p99:.2f} ms; up to version {numbers[-1]}, {failed} failed"
    )
    objection = f"{failed} requests failed" if failed else ""
    return [
        Claim("A champion that is replaced under load", 2, ratio, told, at_most=True, objection=objection)
    ]


@contextmanager
def _publishing(registry: Registry, name: str, count: int) -> Iterator[None]:
    """Publish meanwhile, from another process and behind all others."""
    told = [str(registry.settings.data_dir), name, str(count), str(PERIOD)]
    command = ["nice", "-n", "19", sys.executable, "-m", "benchmarks.made", *told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        # It has begun when it says so; the imports take long.
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def memory(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """The web process with one small version, and what each further one adds."""
    registry = Registry.in_folder(folder / "data")
    names = [f"small-{number}" for number in range(VERSIONS + 1)]
    registry.publish(names[0], graph(0))
    with served(registry) as server:
        for request in questions(registry, names[0]) * 50:
            ask(server.port, request)
        one = server.resident_mib()
        for number, name in enumerate(names[1:]):
            registry.publish(name, graph(0, seed=number))
            for request in questions(registry, name):
                ask(server.port, request)
        each = (server.resident_mib() - one) / VERSIONS
    return [
        Claim(
            "MiB of the web process with a small version, of 160",
            1,
            one / 160,
            f"{one:.0f} MiB",
            at_most=True,
        ),
        Claim("MiB of each further one, of 4", 1, each / 4, f"{each:.2f} MiB", at_most=True),
    ]


def cycles(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """Resident memory after many versions were loaded and unloaded, against that after the first few."""
    registry = Registry.in_folder(folder / "data")
    for seed in range(2):
        registry.publish("cycled", graph(1, seed=seed))
    database = Database(registry.settings.resolved_database_url)
    engine = Engine(database, Store(registry.settings.data_dir), registry.settings)
    engine.start()
    before, after = asyncio.run(_cycles(engine))
    engine.close()
    database.close()
    told = f"{before:.0f} MiB, then {after:.0f} MiB after {CYCLES} loads"
    return [Claim("Memory after loading and unloading", 1.1, after / before, told, at_most=True)]


async def _cycles(engine: Engine) -> tuple[float, float]:
    before = 0.0
    for cycle in range(FIRST_CYCLES + CYCLES):
        if cycle == FIRST_CYCLES:
            before = _resident_mib()
        target = Target("local", "cycled", 1 + cycle % 2)
        await engine.load(target)
        await engine.unload(target)
    return before, _resident_mib()


def _resident_mib() -> float:
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
