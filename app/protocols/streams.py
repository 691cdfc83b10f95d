"""Text on its way to the client: slice by slice, until it ends or nobody is there to read it."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

from app.protocols.replies import Header
from app.serving.execution import Place
from app.serving.generation import Generation

# A slice of this length lets others in between, and what is streamed seems to flow.
SLICE_SECONDS = 0.02
# Who takes nothing for so long is taken for gone, for others wait for the place.
STALLED_SECONDS = 30.0


async def deltas_of(generation: Generation, place: Place, gone: threading.Event) -> AsyncGenerator[str]:
    """Yield what comes to a text, sometimes nothing, until it ends; ``gone`` is set by who leaves."""
    async with contextlib.aclosing(place.write(generation, SLICE_SECONDS, gone)) as deltas:
        async for delta in deltas:
            if gone.is_set():
                raise ClientDisconnect
            yield delta


async def together(texts: Sequence[AsyncGenerator[str]]) -> AsyncGenerator[tuple[int, str | None]]:
    """Yield the pieces of several texts as they come, each with the number of its text, None at its end.

    The others go on while one is read, but no further than to their next pieces. What goes wrong with one
    ends all.
    """
    asking = {asyncio.create_task(_next(each)): number for number, each in enumerate(texts)}
    try:
        while asking:
            done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=asking.__getitem__):
                number = asking.pop(task)
                piece = task.result()
                yield number, piece
                if piece is not None:
                    asking[asyncio.create_task(_next(texts[number]))] = number
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for each in texts:
            await each.aclose()


async def _next(text: AsyncGenerator[str]) -> str | None:
    return await anext(text, None)


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
