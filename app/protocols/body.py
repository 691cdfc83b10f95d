"""Request bodies, read raw; the edge has already bounded them."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive

# Reading this much JSON takes a fraction of a millisecond; more is read away from the event loop.
INLINE_BODY_BYTES = 64 * 1024


async def read_body(receive: Receive) -> bytes:
    """Return the whole body; raise :class:`~starlette.requests.ClientDisconnect` if the client leaves."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


async def left(receive: Receive) -> None:
    """Raise :class:`~starlette.requests.ClientDisconnect` when the client leaves, after its whole body."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientDisconnect
