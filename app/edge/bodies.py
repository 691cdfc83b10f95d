"""How large a request's body may be: decided by its declared length, else at the byte that is too much."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.headers import has_body, header, is_json, media_type
from app.errors import BadRequest, NotSupported, TooLarge, UnsupportedMediaType, shortened
from app.keys.scopes import SCOPES
from app.settings import Settings

# These unpack their bodies themselves, within the same limit.
UNPACKING_ROUTES = ("POST /v1/models/{rest:path}", "POST /v2/models/{rest:path}")
# Their bodies are files, unless they are JSON.
UPLOAD_ROUTES = ("POST /api/v1/datasets/{name}/versions",)

_MOST_DIGITS = 18


class Bodies:
    """Middleware that refuses bodies that are too large, or compressed, with 413, 415 and 501.

    It stands behind the gate, which leaves the route's name in the request's state.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._json = settings.json_body_bytes
        self._others: Mapping[str, int] = {
            **{route: settings.predict_body_bytes for route, scope in SCOPES.items() if scope == "predict"},
            **dict.fromkeys(UPLOAD_ROUTES, settings.upload_bytes),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a ``receive`` that counts."""
        if scope["type"] != "http" or not has_body(scope):
            await self.app(scope, receive, send)
            return
        _require_plain_transfer(scope)
        limit = self._limit(scope)
        encoding = (header(scope, b"content-encoding") or b"identity").lower()
        if encoding != b"identity" and scope["state"]["route"] not in UNPACKING_ROUTES:
            raise UnsupportedMediaType(
                "The body is compressed; send it as it is, without Content-Encoding.",
                code="unsupported_content_encoding",
                headers={"Accept-Encoding": "identity"},
            )
        declared = header(scope, b"content-length")
        if declared is not None:
            if _length(declared) > limit:
                raise _too_large(limit)
            # The server ends a body at its declared length: there is nothing to count.
            await self.app(scope, receive, send)
            return
        left = limit

        async def receive_and_count() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _too_large(limit)
            return message

        await self.app(scope, receive_and_count, send)

    def _limit(self, scope: Scope) -> int:
        route = scope["state"]["route"]
        if route in UPLOAD_ROUTES and is_json(media_type(scope)):
            return self._json
        return self._others.get(route, self._json)


def _require_plain_transfer(scope: Scope) -> None:
    """Refuse a body that was packed for the way, which the server's parser takes for the body itself."""
    coding = header(scope, b"transfer-encoding")
    if coding is None:
        return
    if scope["http_version"] == "1.0":
        raise BadRequest("HTTP/1.0 knows no Transfer-Encoding; use HTTP/1.1.", code="invalid_header")
    if coding.strip().lower() != b"chunked":
        shown = shortened(coding.decode("latin-1"))
        raise NotSupported(
            f"Expected no Transfer-Encoding but chunked, got {shown}.", code="unsupported_transfer_encoding"
        )


def _length(declared: bytes) -> int:
    if not declared.isdigit() or len(declared) > _MOST_DIGITS:
        raise BadRequest("Content-Length must be a number of bytes.", code="invalid_header")
    return int(declared)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body may have at most {limit:,} bytes here.", extra={"limit": limit})
