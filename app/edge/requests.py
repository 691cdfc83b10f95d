"""The outermost edge: every request gets an id, a log line, a measurement, and an answer."""

import logging
import random
import re
import time

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.problems import answer, problem_of
from app.errors import AppError, TooMany, Unavailable, shortened
from app.metrics import Metrics
from app.protocols.replies import VERSION, lineage_headers

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_EXPECTED = (AppError, HTTPException, RequestValidationError)
# What nobody wants to read thousands of times: logged only where DEBUG is.
_QUIET_SCOPES = (
    "/healthz",
    "/readyz",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/predict",
    ":predict",
    "/infer",
)
# The longest name of everything that a path names still fits.
LONGEST_LOGGED_PATH = 250

SECURITY_HEADERS: dict[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}

log = structlog.get_logger(__name__)
_stdlib_log = logging.getLogger(__name__)
# Identifiers need to differ, not to be secret.
_random = random.Random()  # noqa: S311


class Requests:
    """Middleware around all others."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await _Exchange(self.app, self._metrics, scope, send).run(receive)
        else:
            await send({"type": "websocket.close", "code": 1008})


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics, scope: Scope, send: Send) -> None:
        self._app, self._metrics, self._scope, self._send = app, metrics, scope, send
        self._request_id = request_id(_sent_id(scope))
        self._headers = [*SECURITY_HEADERS.items(), (b"x-request-id", self._request_id.encode())]
        self._status = 0
        self._ended = False
        state = scope.setdefault("state", {})
        state["request_id"] = self._request_id
        state["route"] = ""

    async def run(self, receive: Receive) -> None:
        structlog.contextvars.bind_contextvars(request_id=self._request_id)
        started = time.perf_counter()
        try:
            await self._app(self._scope, receive, self.send)
        except ClientDisconnect:
            pass
        except Exception as error:
            await self._fail(error)
        finally:
            self._note(time.perf_counter() - started)
            # The connection keeps what its last request left here until the next one.
            self._scope["state"].pop(VERSION, None)

    async def send(self, message: Message) -> None:
        """Send on, with the headers that every answer has; what the answer sets itself stays."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers}
            headers += [pair for pair in self._headers if pair[0] not in present]
            message = {**message, "headers": headers}
        else:
            self._ended = not message.get("more_body", False)
        try:
            await self._send(message)
        except RuntimeError as error:
            # uvloop has no other word for a client that left a moment ago.
            if "the handler is closed" in str(error):
                raise ClientDisconnect from error
            raise

    async def _fail(self, error: Exception) -> None:
        problem = problem_of(error)
        if not isinstance(error, _EXPECTED):
            if isinstance(problem, Unavailable):
                # For as many as ask while the database is away; where it was missed tells nothing.
                cause = getattr(error, "orig", error)
                reason = str(cause).partition("\n")[0]
                # SQLite has several reasons for "database is locked"; only this name tells which.
                name = getattr(cause, "sqlite_errorname", None)
                log.warning(
                    "request refused", code=problem.code, reason=f"{name}: {reason}" if name else reason
                )
            else:
                log.error("request failed", exc_info=error)
        if self._status == 0:
            status, headers, body = answer(problem, self._scope["path"], self._request_id)
            version = self._scope["state"].get(VERSION)
            if version is not None:
                headers += lineage_headers(version)
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})
        elif not self._ended:
            # The server then breaks the connection off, so that half an answer is not taken for a whole one.
            raise error

    def _note(self, seconds: float) -> None:
        route = self._scope["state"]["route"]
        # 499 is what proxies write when the client went away before it was answered.
        status = self._status or 499
        self._metrics.count_request(route, self._scope["method"], status, seconds)
        # A queue that is full refuses as many as ask, and must not spend on each what an answer costs.
        quiet = (status < 400 or status == TooMany.status) and route.endswith(_QUIET_SCOPES)
        level = logging.DEBUG if quiet else logging.INFO
        # Asked first: an event that nobody reads still costs more than all of the edge.
        if not _stdlib_log.isEnabledFor(level):
            return
        log.log(
            level,
            "request",
            method=self._scope["method"],
            path=_shown(self._scope["path"]),
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )


def _shown(path: str) -> str:
    """Return a path as a log may hold it; who sent it may have meant the terminal that shows the log."""
    return path if path.isprintable() and len(path) <= LONGEST_LOGGED_PATH else shortened(path)


def request_id(sent: bytes | None) -> str:
    """Return the identifier of a request: the one that was sent, if it can be one, else another."""
    if sent is not None and _REQUEST_ID.fullmatch(sent):
        return sent.decode()
    return f"{_random.getrandbits(96):024x}"


def logs_all() -> bool:
    """Tell whether those requests are logged too that nobody wants to read thousands of times."""
    return _stdlib_log.isEnabledFor(logging.DEBUG)


def _sent_id(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
