"""A load generator: a few connections, each sending its next request when the last one was answered.

It writes prepared bytes and reads no more of an answer than its end, so that the server is what is measured.
It never sleeps: on a virtual machine it is the server that pays for waking who waits for its answer, with up
to 80 µs of its own core.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200"


class NotAnswered(RuntimeError):
    """A server refused a request, or closed its connection."""


@dataclass(frozen=True)
class Measured:
    """What one run showed; latencies are in milliseconds.

    ``processor_us`` is the server's processor time for one request in microseconds: it says more than the
    throughput where the machine has other work.
    """

    connections: int
    requests: int
    per_second: float
    p50: float
    p99: float
    processor_us: float


@dataclass(frozen=True)
class Load:
    """Requests that are sent in turn to a local port; ``processor`` tells the server's processor seconds."""

    port: int
    requests: Sequence[bytes]
    processor: Callable[[], float]
    warm_up: float = 1.0

    def measure(self, connections: int, seconds: float) -> Measured:
        """Keep ``connections`` busy for ``seconds``, after an unmeasured time.

        A slow server gets as much longer as it needs to answer once on every connection.

        Raises:
            NotAnswered: a request was not answered with success, so that there is nothing to compare.
        """
        return uvloop.run(_measure(self, connections, seconds))


def request_bytes(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a keep-alive POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def ask(port: int, request: bytes) -> bytes:
    """Send one request and return the body of its answer."""

    async def once() -> bytes:
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        connection = _Connection([request], 0, asked)
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: connection, "127.0.0.1", port
        )
        body = await asked
        transport.close()
        return body

    return uvloop.run(once())


async def _measure(load: Load, connections: int, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[bytes] = loop.create_future()
    polling = loop.create_task(_poll())
    opened = [_Connection(load.requests, number, failed, ending=False) for number in range(connections)]
    transports = [
        (await loop.create_connection(lambda one=one: one, "127.0.0.1", load.port))[0] for one in opened
    ]
    await _pause(failed, load.warm_up)
    for connection in opened:
        connection.latencies.clear()
    started, processor = time.perf_counter(), load.processor()
    await _pause(failed, seconds)
    while not all(connection.latencies for connection in opened):
        await _pause(failed, 0.1)
    elapsed, processor = time.perf_counter() - started, load.processor() - processor
    latencies = np.array([latency for connection in opened for latency in connection.latencies])
    failed.cancel()
    polling.cancel()
    for transport in transports:
        transport.abort()
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    answered = len(latencies)
    return Measured(
        connections, answered, answered / elapsed, float(p50), float(p99), processor / answered * 1e6
    )


async def _poll() -> None:
    while True:
        await asyncio.sleep(0)


async def _pause(failed: "asyncio.Future[bytes]", seconds: float) -> None:
    done, _ = await asyncio.wait([failed], timeout=seconds)
    if done:
        failed.result()


class _Connection(asyncio.Protocol):
    """One connection; ``outcome`` gets the first body if ``ending``, else only what goes wrong."""

    def __init__(
        self, requests: Sequence[bytes], first: int, outcome: "asyncio.Future[bytes]", *, ending: bool = True
    ) -> None:
        self.latencies: list[float] = []
        self._requests, self._next = requests, first
        self._outcome, self._ending = outcome, ending
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head, found, body = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            self._received = received
            return
        self._received = b""
        self.latencies.append(time.perf_counter() - self._sent_at)
        if not received.startswith(_OK):
            self._fail(f"{head.decode(errors='replace')}\n{body.decode(errors='replace')}")
        elif not self._ending:
            self._send()
        elif not self._outcome.done():
            self._outcome.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server closed the connection: {exc}")

    def _fail(self, reason: str) -> None:
        if not self._outcome.done():
            self._outcome.set_exception(NotAnswered(reason))
