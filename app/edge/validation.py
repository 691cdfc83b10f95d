"""FastAPI's validation errors, in the words of this service."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from app.errors import AppError, BadRequest, FieldError, Invalid, UnsupportedMediaType, shortened

MOST_ERRORS = 50
# Their input is what surrounds the place, not what stood at it.
_WITHOUT_INPUT = frozenset({"missing", "extra_forbidden", "union_tag_not_found"})


def problem_of_validation(error: RequestValidationError) -> AppError:
    """Return what to tell the client: which fields, what was expected, what came."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return BadRequest("The body is not valid JSON.", code="malformed_json")
    if any(each["loc"] == ("body",) and isinstance(each.get("input"), bytes) for each in found):
        return UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
    errors = [_field_error(each, error.body) for each in found[:MOST_ERRORS]]
    first = f"{errors[0].pointer or 'The body'}: {errors[0].message}"
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return Invalid(f"{first}{more}", errors=errors)


def _field_error(error: Mapping[str, Any], body: Any) -> FieldError:
    where, *rest = error["loc"]
    pointer = _pointer(rest, body) if where == "body" else str(rest[0] if rest else where)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "There is no such field"
    elif error["type"] not in _WITHOUT_INPUT and isinstance(error.get("input"), str | int | float):
        message = f"{message.removesuffix('.')}; got {shortened(error['input'])}"
    return FieldError(pointer, str(error["type"]), message)


def _pointer(location: Sequence[str | int], body: Any) -> str:
    """Return the JSON Pointer of a place; pydantic puts the names of validators and tags in between."""
    steps: list[str | int] = []
    for number, step in enumerate(location):
        last = number == len(location) - 1
        match body, step:
            case (dict(), _) if step in body:
                body = body[step]
            case (list(), int()) if step < len(body):
                body = body[step]
            case (dict(), _) if last:
                pass  # what is missing has a place too
            case _:
                continue
        steps.append(step)
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
