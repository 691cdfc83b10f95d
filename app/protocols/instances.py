"""A JSON body that is a list under one name, ``{"instances": [row, …]}``, and what is said of a wrong one."""

import json
import re
from itertools import chain
from typing import Any

import orjson

from app.edge.strict_json import require_names_once
from app.errors import SHOWN_CHARACTERS, BadRequest, FieldError, Invalid, shortened

FIELD = "instances"
# What fits in so few bytes may become objects, whatever it is.
SMALL_BODY_BYTES = 2 * 1024**2
# No part of it can match in two ways, so that its time is linear in the body.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)


def parse(body: bytes, field: str) -> tuple[Any, BadRequest | None]:
    """Return the document, and what to raise if nothing better is found to be wrong with it.

    A name that is repeated in one object is refused, for one of its values would be lost.
    """
    refusal = None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        refusal = BadRequest(f"The body is not valid JSON: {error}.", code="malformed_json")
        if not body.strip():
            raise BadRequest(
                f'The body is empty. Send {{"{field}": [row, …]}}.', code="malformed_json"
            ) from None
        try:
            # Python also reads NaN, Infinity and numbers beyond all bounds, which can then be pointed at.
            document = json.loads(body.decode())
        except (ValueError, RecursionError):
            raise refusal from None
    # Mostly there are as many colons as members, which is found at once.
    if body.count(b":") != _members(document):
        require_names_once(body)
    return document, refusal


def _members(document: Any) -> int:
    """Return how many members a document has, and the objects in its lists."""
    if not isinstance(document, dict):
        return 0
    rows = chain.from_iterable(value for value in document.values() if isinstance(value, list))
    return len(document) + sum(len(row) for row in rows if isinstance(row, dict))


def instances_of(document: Any, field: str, max_rows: int) -> list[Any]:
    """Return the rows of a document; raise :class:`~app.errors.Invalid` if it is not of that form."""
    if not isinstance(document, dict):
        raise invalid("", "wrong_type", f'Expected {{"{field}": [row, …]}}, got {described(document)}.')
    for key in document:
        if key != field:
            raise invalid(
                f"/{escaped(key)}", "unknown_field", f"Only {field!r} is expected, not {shortened(key)}."
            )
    pointer = f"/{field}"
    if field not in document:
        raise invalid(pointer, "missing", f"{field!r} is missing: expected a list of rows.")
    rows = document[field]
    if not isinstance(rows, list):
        raise invalid(pointer, "wrong_type", f"Expected a list of rows, got {described(rows)}.")
    if not rows:
        raise invalid(pointer, "empty", "Expected at least one row, got an empty list.")
    if len(rows) > max_rows:
        raise invalid(
            pointer,
            "too_many_rows",
            f"Expected at most {max_rows} rows, got {len(rows)}. Send them in parts.",
        )
    return rows


def require_room(
    body: bytes, field: str, max_rows: int, *, lists: int, values: int, strings: bool = False
) -> None:
    """Refuse what has more members than ``max_rows`` rows before each becomes an object 20 times its size.

    A row is at most so many ``lists`` or objects, itself included, and ``values``, which may be ``strings``.
    """
    if len(body) <= SMALL_BODY_BYTES:
        return
    brackets, commas = max_rows * lists + 2, max_rows * values - 1
    if strings:
        for token in _TOKEN.finditer(body):
            match token.group():
                case b",":
                    commas -= 1
                case b"[" | b"{":
                    brackets -= 1
            if commas < 0 or brackets < 0:
                break
    else:
        brackets -= body.count(b"[") + body.count(b"{")
        commas -= body.count(b",")
    if commas < 0 or brackets < 0:
        plural = "" if values == 1 else "s"
        message = f"Expected at most {max_rows} rows of {values} value{plural}, got more. Send them in parts."
        raise invalid(f"/{field}", "too_many_rows", message)


def invalid(pointer: str, code: str, message: str) -> Invalid:
    """Return the refusal of a body that has something wrong at ``pointer``."""
    detail = f"{pointer}: {message}" if pointer else message
    return Invalid(detail, errors=[FieldError(pointer, code, message)])


def described(value: Any) -> str:
    """Return what a value of JSON is, as errors say it."""
    match value:
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "an object"
        case None | bool():
            return json.dumps(value)
        case str():
            return f"the text {shortened(value)}"
        case _:
            return f"the number {json.dumps(value)[:SHOWN_CHARACTERS]}"


def escaped(key: str) -> str:
    """Return a member's name as RFC 6901 writes it, without what cannot be written as UTF-8."""
    text = key.encode(errors="backslashreplace").decode()[:64]
    return text.replace("~", "~0").replace("/", "~1")
