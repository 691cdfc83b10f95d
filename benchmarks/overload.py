"""More than a server can do, and for long."""

from pathlib import Path

from benchmarks.claims import Claim
from benchmarks.layout import questions, served
from benchmarks.load import Load, ask
from benchmarks.made import Registry, graph
from benchmarks.open_load import Stream, measure

MILLISECONDS, TIMES, CONNECTIONS = 7, 4, 64
# What may wait, so that it is far less than what 64 connections can have under way.
QUEUE_SECONDS = 0.2
SLICES = 4


def beyond_capacity(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """Four times what a network of some milliseconds can do: goodput, and how the rest is refused."""
    registry = Registry.in_folder(folder / "data", queue_seconds=QUEUE_SECONDS)
    registry.publish("busy", graph(MILLISECONDS))
    requests = questions(registry, "busy")
    with served(registry) as server:
        ask(server.port, requests[0])
        # As many as the queue takes: none of them is refused.
        peak = Load(server.port, requests, server.processor_seconds).measure(4, seconds / 4).per_second
        (seen,) = measure(server.port, [Stream("busy", requests, TIMES * peak, CONNECTIONS)], seconds / 2)
    others = {status: count for status, count in seen.statuses.items() if status not in (200, 429)}
    objection = ""
    if others or seen.refusals_without_hint:
        objection = f"other answers {others}, {seen.refusals_without_hint} refusals without Retry-After"
    told = f"{seen.good_per_second:.0f}/s of {peak:.0f}/s; {seen.statuses.get(429, 0)} of {seen.due} refused"
    in_time = f"p99 {seen.refusals_p99:.0f} ms of refusals, {seen.p99:.0f} ms of answers"
    return [
        Claim(f"Goodput at {TIMES} x capacity", 0.8, seen.good_per_second / peak, told, objection=objection),
        Claim(
            "… time to a refusal, of that which may wait",
            1,
            seen.refusals_p99 / 1000 / QUEUE_SECONDS,
            in_time,
            at_most=True,
        ),
    ]


def mixed(folder: Path, seconds: float, rounds: int) -> list[Claim]:
    """64 connections that ask networks of all sorts for long: nothing fails, memory stays."""
    registry = Registry.in_folder(folder / "data")
    names = {"quick": 0, "middling": 1.5, "slow": 5}
    for name, milliseconds in names.items():
        registry.publish(name, graph(milliseconds))
    by_name = [questions(registry, name, rows) for name in names for rows in (1, 4)]
    requests = [request for each in zip(*by_name, strict=True) for request in each]
    with served(registry) as server:
        for request in requests:
            ask(server.port, request)
        load = Load(server.port, requests, server.processor_seconds)
        # What is answered with anything but 200 ends the measurement with an error.
        sizes, answered = [], 0
        for _ in range(SLICES):
            answered += load.measure(CONNECTIONS, seconds / SLICES).requests
            sizes.append(server.resident_mib())
    told = f"{answered:,} answers, none failed; MiB {', '.join(f'{size:.0f}' for size in sizes)}"
    return [Claim("Memory after a long mixed load", 1.05, sizes[-1] / sizes[0], told, at_most=True)]
