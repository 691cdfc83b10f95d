"""Answers before the body was read, such as a refusal, arrive even if the client is still sending."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.headers import has_body

DRAIN_SECONDS = 2.0
DRAIN_BYTES = 64 * 1024**2


class Draining:
    """Middleware that reads what is left of a body before an answer ends.

    A server that closes a connection with unread bytes resets it, and a reset may overtake the answer. A
    bounded part is read and thrown away, after the whole answer was handed over but before its end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; one without a body needs nothing."""
        if scope["type"] != "http" or not has_body(scope):
            await self.app(scope, receive, send)
            return
        read = False

        async def receive_and_see() -> Message:
            nonlocal read
            message = await receive()
            read = read or not message.get("more_body", False)
            return message

        async def send_and_drain(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not ends or read:
                await send(message)
                return
            await send({**message, "more_body": True})
            await drain()
            await send({"type": "http.response.body", "body": b""})

        async def drain() -> None:
            left = DRAIN_BYTES
            try:
                async with asyncio.timeout(DRAIN_SECONDS):
                    while not read and left > 0:
                        left -= len((await receive_and_see()).get("body", b""))
            except TimeoutError:
                pass

        await self.app(scope, receive_and_see, send_and_drain)
