"""``HEAD`` wherever there is ``GET``: the same answer, of which the server sends the head only."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Middleware that answers ``HEAD`` as ``GET``; ``state["head"]`` tells the few who care."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as ``GET`` if it is ``HEAD``."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif ended:
                # As if the client had gone: an endless stream ends here.
                raise OSError("the head is all that was asked for")
            else:
                ended = True
                await send({"type": "http.response.body", "body": b""})

        scope["state"]["head"] = True
        try:
            await self.app({**scope, "method": "GET"}, receive, send_head)
        except (OSError, ClientDisconnect):
            if not ended:
                raise
