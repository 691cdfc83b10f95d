"""Following a stream of server-sent events over broken connections."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import httpx

from keraforge.client.requests import Request, checked
from keraforge.errors import KeraforgeError, NotRunning, ServiceTrouble

T = TypeVar("T")

FRUITLESS_LIMIT = 6
LONGEST_PAUSE = 5.0
# The service sends a comment every few seconds; a line that is silent for longer is dead.
SILENCE_SECONDS = 60.0


@dataclass
class Following(Generic[T]):
    """What is known of a stream between two connections.

    ``read`` makes an event of the data of one message; ``is_last`` says that nothing comes after it.
    """

    path: str
    read: Callable[[str], T]
    is_last: Callable[[T], bool]
    last_id: str | None = None
    longest_pause: float = LONGEST_PAUSE
    _ended: bool = False
    _message: dict[str, list[str]] = field(default_factory=dict)
    _fruitless: int = 0
    _error: KeraforgeError | None = None

    def over(self) -> bool:
        """Return whether nothing more will come."""
        return self._ended

    def request(self) -> Request:
        """Return the request that continues after the last event.

        Raises:
            KeraforgeError: the last few requests brought nothing; it is why.
        """
        if self._fruitless == FRUITLESS_LIMIT:
            raise self._error or NotRunning(
                f"{self.path} was closed {FRUITLESS_LIMIT} times without an event."
            )
        self._fruitless += 1
        self._message.clear()
        headers = {"Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        return Request("GET", self.path, headers=headers, timeout=SILENCE_SECONDS)

    def opens(self, response: httpx.Response) -> bool:
        """Return whether the answer is a stream."""
        return response.status_code == 200

    def declined(self, response: httpx.Response) -> None:
        """Take an answer that is no stream, whose body was read; raise what it says, unless it may pass.

        204 says that there is nothing left to follow; 503 that there is no room now.
        """
        self._ended = response.status_code == 204
        try:
            checked(response)
        except ServiceTrouble as error:
            self.broke(error)

    def take(self, line: str) -> Iterator[T]:
        """Take one line; yield an event if the line completes one."""
        name, _, value = line.partition(":")
        if line:
            # An event, or a comment that says "nothing new": either way, the line works.
            if name in {"data", ""}:
                self._fruitless = 0
            self._message.setdefault(name, []).append(value.removeprefix(" "))
            return
        # The identifier counts from here on only: a message that broke off in the middle is sent again.
        self.last_id = self._message.get("id", [self.last_id])[-1]
        data = self._message.get("data")
        self._message.clear()
        if data is not None:
            event = self.read("\n".join(data))
            self._ended = self.is_last(event)
            yield event

    def broke(self, error: KeraforgeError) -> None:
        """Remember why the last connection ended."""
        self._error = error

    @property
    def pause(self) -> float:
        """Seconds to wait before connecting again."""
        return min(0.1 * float(2**self._fruitless), self.longest_pause)
