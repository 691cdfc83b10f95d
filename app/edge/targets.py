"""Heads of requests that no part of the service should ever have to look at."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import BadRequest, HeadTooLong

# Of the address and all headers, in bytes.
LONGEST_HEAD = 16 * 1024
# Who has seen a longer one leaves this in the request's state.
TOO_LONG = "head_too_long"

# Shorter than the longest run of digits that Python turns into an integer.
LONGEST_PATH = 4000
LONGEST_QUERY = 8000


class Targets:
    """Middleware that refuses heads that are too long, and paths and queries that no database can keep."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its target is sane."""
        if scope["type"] == "http":
            if TOO_LONG in scope["state"]:
                raise head_too_long()
            path, query = scope["path"], scope["query_string"]
            if len(path) > LONGEST_PATH or len(query) > LONGEST_QUERY:
                raise BadRequest(
                    f"The address is too long: at most {LONGEST_PATH} characters of path "
                    f"and {LONGEST_QUERY} of query.",
                    code="uri_too_long",
                )
            # The end of a line also ends what a route's pattern looks at.
            if not path.isprintable() or b"%00" in query:
                raise BadRequest("The address contains a control character.", code="invalid_encoding")
        await self.app(scope, receive, send)


def head_too_long() -> HeadTooLong:
    """Return the refusal of a head; the connection ends with it."""
    return HeadTooLong(
        f"The address and the headers of a request may have at most {LONGEST_HEAD:,} bytes together.",
        headers={"Connection": "close"},
        extra={"limit": LONGEST_HEAD},
    )
