"""Text on its way to the client: slice by slice, until it ends or nobody is there to read it."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterable

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

from app.protocols.replies import Header
from app.serving.execution import Place
from app.serving.generation import Generation

# A slice of this length lets others in between, and what is streamed seems to flow.
SLICE_SECONDS = 0.02
# Who takes nothing for so long is taken for gone, for others wait for the place.
STALLED_SECONDS = 30.0


async def deltas_of(generation: Generation, place: Place, gone: threading.Event) -> AsyncIterator[str]:
    """Yield what comes to a text, sometimes nothing, until it ends; ``gone`` is set by who leaves."""
    async with contextlib.aclosing(place.write(generation, SLICE_SECONDS, gone)) as deltas:
        async for delta in deltas:
            if gone.is_set():
                raise ClientDisconnect
            yield delta


async def complete(texts: Iterable[Generation], place: Place, gone: threading.Event) -> None:
    """Write texts to their ends, all at once; raise what ends one of them before."""

    async def write(text: Generation) -> None:
        async for _ in deltas_of(text, place, gone):
            pass

    await asyncio.gather(*map(write, texts))


async def stream(send: Send, headers: list[Header], pieces: AsyncIterator[bytes]) -> None:
    """Send pieces as they come; what is wrong before the first of them is still answered as a problem."""
    begun = False
    async for piece in pieces:
        if not begun:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            begun = True
        if piece:
            await taken(send, {"type": "http.response.body", "body": piece, "more_body": True})


async def taken(send: Send, message: Message) -> None:
    """Send one message; raise :class:`~starlette.requests.ClientDisconnect` where nobody takes it."""
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            await send(message)
    except TimeoutError:
        raise ClientDisconnect from None


@contextlib.asynccontextmanager
async def watched(receive: Receive) -> AsyncIterator[threading.Event]:
    """Yield what is set as soon as the client has left."""
    gone = threading.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        # Whatever ends this: what runs in a thread ends with the next token.
        gone.set()
        watching.cancel()
        await asyncio.wait({watching})
