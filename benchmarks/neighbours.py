"""What batching costs who is alone, and what a slow network costs the requests for a fast one."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

from app.serving.execution import INLINE_SECONDS, Execution
from app.serving.role import LoadedRole
from benchmarks.claims import Claim
from benchmarks.layout import questions, served
from benchmarks.load import ask
from benchmarks.made import SIDE, Registry, graph, signature
from benchmarks.open_load import Stream, measure

CALLS = 200
FAST_RATE, SLOW_RATE = 200, 20


def batching(_: Path, seconds: float, rounds: int) -> list[Claim]:
    """One request after the other, with the queue and without, in turn: medians."""
    claims = []
    for milliseconds in (0, 3):
        role = LoadedRole(signature(), graph(milliseconds))
        row = {"image": np.zeros((1, SIDE, SIDE, 1), np.float32)}
        role.measure(row)
        pairs = asyncio.run(_turns(role, row, rounds * 3))
        ratio = statistics.median(mine / other for mine, other in pairs)
        ours, theirs = (1000 * statistics.median(each) for each in zip(*pairs, strict=True))
        where = "at once" if role.row_seconds < INLINE_SECONDS else "on a thread"
        told = f"p50 {ours:.3f} ms against {theirs:.3f} ms, run {where}"
        claims.append(Claim(f"Batching, one request at a time, {where}", 1.05, ratio, told, at_most=True))
    return claims


async def _turns(role: LoadedRole, row: dict[str, np.ndarray], rounds: int) -> list[tuple[float, float]]:
    execution = Execution()

    def write(outputs: dict[str, np.ndarray]) -> bytes:
        return outputs["probabilities"].tobytes()

    async def ours() -> None:
        await execution.ask(role, row, None, write)

    async def theirs() -> None:
        await execution.run(lambda: write(role.run(row)), role.row_seconds)

    found = [(await _median(ours), await _median(theirs)) for _ in range(rounds)]
    execution.close()
    return found


async def _median(call: Callable[[], Awaitable[None]]) -> float:
    taken = []
    for _ in range(CALLS):
        started = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def beside(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """A fast network's p99 while a slow one is kept busy, against its p99 alone."""
    registry = Registry.in_folder(folder / "data", request_seconds=3600, queue_seconds=3600)
    registry.publish("fast", graph(0))
    registry.publish("slow", graph(200))
    fast = Stream("fast", questions(registry, "fast"), FAST_RATE, 8)
    slow = Stream("slow", questions(registry, "slow"), SLOW_RATE, 2)
    with served(registry) as server:
        for stream in (fast, slow):
            ask(server.port, stream.requests[0])
        pairs = [_pair(server.port, fast, slow, seconds / 3) for _ in range(rounds)]
    lone, both = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for other, mine in pairs)
    told = f"p99 {both:.2f} ms against {lone:.2f} ms, {FAST_RATE} requests/s"
    return [Claim("A fast network beside one of 200 ms", 3, ratio, told, at_most=True)]


def _pair(port: int, fast: Stream, slow: Stream, seconds: float) -> tuple[float, float]:
    (lone,) = measure(port, [fast], seconds)
    both, _ = measure(port, [fast, slow], seconds)
    if lone.failed or both.failed:
        raise SystemExit(f"requests failed: {lone} {both}")
    return lone.p99, both.p99
