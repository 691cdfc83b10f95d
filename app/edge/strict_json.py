"""One place where JSON is read strictly, before FastAPI reads it again.

Python's own reader takes NaN, repeated names, UTF-16 and numbers of any size; each of them has a way to
become an error far behind the edge, where it would be ours.
"""

import json
import math
from typing import Any, NoReturn

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.headers import has_body, is_json, media_type
from app.errors import BadRequest, FieldError, Invalid, shortened

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
# Checking more than this would hold up other requests for milliseconds.
_INLINE_BYTES = 32 * 1024


class StrictJson:
    """Middleware that refuses JSON bodies that are malformed (400) or hold what cannot be kept (422)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a JSON body whole, check it, and pass the request on with the same body."""
        if scope["type"] != "http" or not has_body(scope) or not is_json(media_type(scope)):
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        if len(body) > _INLINE_BYTES:
            await run_in_threadpool(check, body)
        elif body:
            check(body)
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


def check(body: bytes) -> None:
    """Refuse what is not strict JSON, or what no database can keep."""
    try:
        document = json.loads(body.decode(), object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _malformed(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not valid UTF-8") from None
    except RecursionError:
        raise _malformed("it is nested too deeply") from None
    except ValueError:
        # The only one left: a number with more digits than Python converts.
        raise _malformed("a number has too many digits") from None
    _inspect(document, None, 0)


def require_names_once(body: bytes) -> None:
    """Refuse JSON, which was read already, where a name is repeated in one object."""
    try:
        # Numbers are of no interest here, and Python takes its time to read them.
        json.loads(body.decode(), object_pairs_hook=_without_repeats, parse_int=len, parse_float=len)
    except RecursionError:
        raise _malformed("it is nested too deeply") from None


def _malformed(reason: str) -> BadRequest:
    return BadRequest(f"The body is not valid JSON: {reason}.", code="malformed_json")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"the name {shortened(repeated)} is repeated in one object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is not a number in JSON")


def _inspect(value: Any, place: "_Place | None", depth: int) -> None:
    """Refuse values that cannot be kept; recursion ends where nesting is refused."""
    if depth >= MAX_DEPTH and isinstance(value, dict | list):
        raise _unstorable(place, "too_deep", f"JSON may be nested at most {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for name, member in value.items():
            if (fault := _fault(name)) is not None:
                raise _unstorable(place, *fault)
            _inspect(member, (place, name), depth + 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _inspect(member, (place, index), depth + 1)
    elif (fault := _fault(value)) is not None:
        raise _unstorable(place, *fault)


# Where a value stands: its step, and where that starts from. Written out only in an error.
_Place = tuple["_Place | None", str | int]


def _fault(value: Any) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a name or a value that is neither object nor list."""
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value)):
            return "invalid_text", "the text holds the character NUL or half a surrogate pair"
    elif isinstance(value, float):
        if not math.isfinite(value):
            return "not_finite", "the number is too large for 64 bits"
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        return "too_large", "the integer is too large for 64 bits"
    return None


def _unstorable(place: _Place | None, code: str, message: str) -> Invalid:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    pointer = "".join(f"/{step}" for step in reversed(steps))
    return Invalid(f"{pointer or 'The body'}: {message}", errors=[FieldError(pointer, code, message)])
