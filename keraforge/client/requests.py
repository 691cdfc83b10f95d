"""What the client asks, said once for both colours: descriptions of requests, and steps that exchange them.

An operation is a generator of steps. It yields a :class:`Request` and is sent its answer, or yields a
:class:`Pause` and is sent None; what it returns is the operation's result. It does no input or output of
its own, so :mod:`keraforge.client.transports` can run it blocking or awaiting.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from keraforge.errors import NotRunning, refusal

CHUNK_BYTES = 256 * 1024
RETRY_PAUSES = (0.2, 0.5, 1.0)


class FileBody:
    """A file as the body of a request, sent in pieces; ``on_sent`` is told the bytes of each piece."""

    def __init__(self, path: Path, on_sent: Callable[[int], None] | None = None) -> None:
        self.path = path
        self.bytes = path.stat().st_size
        self._on_sent = on_sent or (lambda count: None)

    def pieces(self) -> Iterator[bytes]:
        """Yield the file's pieces."""
        with self.path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece
                self._on_sent(len(piece))

    async def awaited_pieces(self) -> AsyncIterator[bytes]:
        """Yield the file's pieces, read in a thread."""
        pieces = self.pieces()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


@dataclass(frozen=True)
class Request:
    """One request; ``path`` is relative to ``/api/v1``."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | FileBody | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method == "GET" or "Idempotency-Key" in self.headers

    def arguments(self, *, awaiting: bool) -> dict[str, Any]:
        """Return what httpx calls this request."""
        arguments: dict[str, Any] = {
            "method": self.method,
            "url": f"/api/v1{self.path}",
            "params": {name: value for name, value in self.query.items() if value is not None},
            "headers": dict(self.headers),
        }
        if self.json is not None:
            # Not left to httpx, which raises for a NaN: the service says where in the rows it stands.
            arguments["content"] = json.dumps(self.json, ensure_ascii=False).encode("utf-8", "surrogatepass")
            arguments["headers"]["Content-Type"] = "application/json"
        if isinstance(self.content, FileBody):
            arguments["headers"]["Content-Length"] = str(self.content.bytes)
            arguments["content"] = self.content.awaited_pieces() if awaiting else self.content.pieces()
        elif self.content is not None:
            arguments["content"] = self.content
        if self.timeout is not None:
            arguments["timeout"] = self.timeout
        return arguments


@dataclass(frozen=True)
class Pause:
    """A step that only lets time pass."""

    seconds: float


@dataclass(frozen=True)
class Broken:
    """No whole answer came; ``error`` is for the caller, ``final`` means that asking again will not help."""

    error: NotRunning
    final: bool


Answer = httpx.Response | Broken | None
T = TypeVar("T")
Steps = Generator[Request | Pause, Answer, T]


def exchange(request: Request) -> Steps[httpx.Response]:
    """Send ``request`` and return the answer; a repeatable one is sent again if the line breaks.

    Raises:
        NotRunning: nobody answered.
        Refused: the service said no.
    """
    for pause in (*(RETRY_PAUSES if request.repeatable else ()), None):
        answer = yield request
        if isinstance(answer, httpx.Response):
            return checked(answer)
        assert isinstance(answer, Broken)
        if pause is None or answer.final:
            raise answer.error
        yield Pause(pause)
    raise AssertionError("unreachable: the last pause is None")


def fetch(method: str, path: str, **rest: Any) -> Steps[Any]:
    """Exchange one request and return the JSON of its answer, or None where there is none."""
    response = yield from exchange(Request(method, path, **rest))
    return response.json() if response.content else None


def listed(path: str, limit: int | None, **query: Any) -> Steps[list[dict[str, Any]]]:
    """Return the first ``limit`` items of a list, or all, following its cursors."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while limit is None or len(items) < limit:
        size = 100 if limit is None else min(100, limit - len(items))
        page = yield from fetch("GET", path, query={**query, "limit": size, "cursor": cursor})
        items += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            break
    return items


def checked(response: httpx.Response) -> httpx.Response:
    """Return a good answer; raise the error that any other one describes."""
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = None
    raise refusal(response.status_code, problem if isinstance(problem, dict) else {})
