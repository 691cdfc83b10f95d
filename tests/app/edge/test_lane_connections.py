import asyncio
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from app.edge.lane import LANE


class Lazy:
    """A lane that takes every request, and gives its one answer only when it must."""

    def __init__(self, answer: bytes | None = b"at once") -> None:
        self.told: list[Any] = []
        self._answer = None if answer is None else (200, b"content-length: 7\r\n\r\n" + answer)

    def takes(self, *_: Any) -> bool:
        """Take it."""
        return True

    def take(self, *asked: Any) -> bool:
        """Keep it."""
        self.told.append(asked[-1])
        return True

    def end_turn(self) -> None:
        """Answer what was kept."""
        while self.told:
            self.told.pop(0)(self._answer)


def asking(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
def behind(listening: Callable[..., Any]) -> Callable[[Lazy], Any]:
    """Serve, behind a lane, an application that takes its time."""

    def serve(lane: Lazy) -> Any:
        async def slow(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                scope["state"][LANE] = lane
                for part in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{part}.complete"})
                return
            # By then a connection that waits for a request is closed.
            await asyncio.sleep(0.1)
            body = scope["path"].encode()
            length = [(b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": length})
            await send({"type": "http.response.body", "body": body})

        return listening(slow, keep_alive=0)

    return serve


def bodies(said: bytes) -> list[bytes]:
    return re.findall(rb"\r\n\r\n(at once|/[a-z]+)", said)


def test_behind_a_quick_answer_in_one_piece_a_slow_one_has_all_its_time(behind: Callable[..., Any]) -> None:
    said = behind(Lazy()).raw(asking("/one") + asking("/two"))
    assert bodies(said) == [b"at once", b"/two"]


def test_what_was_taken_in_vain_is_the_applications_and_keeps_its_place(behind: Callable[..., Any]) -> None:
    said = behind(Lazy(None)).raw(asking("/one") + asking("/two"))
    assert bodies(said) == [b"/one", b"/two"]


def test_what_was_taken_is_answered_before_nonsense_ends_the_connection(behind: Callable[..., Any]) -> None:
    said = behind(Lazy()).raw(asking("/one") + b"nonsense\r\n\r\n")
    assert bodies(said) == [b"at once"]
    assert b"HTTP/1.1 400 " in said


def test_what_was_taken_is_answered_before_a_head_without_end_is_refused(
    behind: Callable[..., Any], until: Callable[..., Any]
) -> None:
    lane = Lazy()
    service = behind(lane)
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(asking("/one"))
        until(lambda: lane.told)
        # Empty lines begin no request.
        connection.sendall(b"\r\n" * 10_000)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert bodies(said) == [b"at once"]
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 431 " in said


def test_what_was_taken_is_answered_when_the_server_stops(
    behind: Callable[..., Any], until: Callable[..., Any]
) -> None:
    lane = Lazy()
    service = behind(lane)
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(asking("/one"))
        until(lambda: lane.told)
        service.close()
        assert bodies(b"".join(iter(lambda: connection.recv(65536), b""))) == [b"at once"]


@pytest.mark.parametrize("answer", [b"at once", None])
def test_who_left_after_asking_hinders_nobody(
    behind: Callable[..., Any], until: Callable[..., Any], answer: bytes | None
) -> None:
    lane = Lazy(answer)
    service = behind(lane)
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(asking("/gone"))
        until(lambda: lane.told)
    (gone,) = lane.told
    until(gone.__self__.transport.is_closing)
    said = service.raw(asking("/one") + asking("/two"))
    assert bodies(said) == [answer or b"/one", b"/two"]
