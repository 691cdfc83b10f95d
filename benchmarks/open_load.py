"""A load that does not wait for the server: requests fall due at a steady rate, whatever became of the last.

Latencies count from the moment a request was due, so that what a slow server keeps back is not left out.
"""

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *\d+", re.IGNORECASE)
# After the last request fell due, answers are awaited for so long.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Stream:
    """Requests sent in turn, so many a second, over so many connections."""

    name: str
    requests: Sequence[bytes]
    rate: float
    connections: int


@dataclass(frozen=True)
class Seen:
    """What became of a stream; latencies are in milliseconds."""

    name: str
    due: int
    statuses: dict[int, int]
    good_per_second: float
    p50: float
    p99: float
    refusals_p99: float
    refusals_without_hint: int

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return self.due - self.statuses.get(200, 0)


def measure(port: int, streams: Sequence[Stream], seconds: float, warm_up: float = 1.0) -> list[Seen]:
    """Send all streams at once for so long, after an unmeasured time; return what became of each."""
    return uvloop.run(_measure(port, streams, seconds, warm_up))


async def _measure(port: int, streams: Sequence[Stream], seconds: float, warm_up: float) -> list[Seen]:
    return list(await asyncio.gather(*[_send(port, stream, seconds, warm_up) for stream in streams]))


async def _send(port: int, stream: Stream, seconds: float, warm_up: float) -> Seen:
    loop = asyncio.get_running_loop()
    queue = _Queue(stream.requests)
    opened = [
        (await loop.create_connection(lambda: _Connection(queue), "127.0.0.1", port))[0]
        for _ in range(stream.connections)
    ]
    started = time.perf_counter()
    count = int((warm_up + seconds) * stream.rate)
    for number in range(count):
        due_at = started + number / stream.rate
        if (ahead := due_at - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        queue.put(due_at)
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while len(queue.ended) < count and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    for transport in opened:
        transport.abort()
    return _seen(stream, queue, started + warm_up, seconds)


def _seen(stream: Stream, queue: "_Queue", begin: float, seconds: float) -> Seen:
    ended = [each for each in queue.ended if each.due_at >= begin]
    good = np.array([each.seconds for each in ended if each.status == 200]) * 1000
    refused = np.array([each.seconds for each in ended if each.status in (429, 503, 504)]) * 1000
    p50, p99 = np.percentile(good, [50, 99]) if len(good) else (np.inf, np.inf)
    return Seen(
        stream.name,
        # Those that got no answer at all have failed too.
        max(len(ended), int(seconds * stream.rate)),
        dict(Counter(each.status for each in ended)),
        # Those that fell due within the time, and were answered, in a time that may be longer.
        len(good) / max(seconds, max((each.due_at + each.seconds for each in ended), default=begin) - begin),
        float(p50),
        float(p99),
        float(np.percentile(refused, 99)) if len(refused) else 0.0,
        sum(each.status in (429, 503) and not each.hinted for each in ended),
    )


@dataclass(frozen=True)
class _Ended:
    due_at: float
    seconds: float
    status: int
    hinted: bool


class _Queue:
    """Requests that are due and have no connection yet, and what became of the others."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.waiting: deque[float] = deque()
        self.ended: list[_Ended] = []
        self.idle: deque[_Connection] = deque()
        self._requests, self._next = requests, 0

    def put(self, due_at: float) -> None:
        self.waiting.append(due_at)
        if self.idle:
            self.idle.popleft().take()

    def request(self) -> bytes:
        self._next += 1
        return self._requests[self._next % len(self._requests)]


class _Connection(asyncio.Protocol):
    def __init__(self, queue: _Queue) -> None:
        self._queue = queue
        self._received = b""
        self._due_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._queue.idle.append(self)

    def take(self) -> None:
        self._due_at = self._queue.waiting.popleft()
        self._transport.write(self._queue.request())

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head, found, body = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            self._received = received
            return
        self._received = b""
        taken = time.perf_counter() - self._due_at
        self._queue.ended.append(_Ended(self._due_at, taken, int(head[9:12]), bool(_RETRY.search(head))))
        if self._queue.waiting:
            self.take()
        else:
            self._queue.idle.append(self)
