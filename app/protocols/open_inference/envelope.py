"""A request as JSON with tensors as bytes behind it: where the one ends and the others begin."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from app.errors import BadRequest, shortened

HEADER = b"inference-header-content-length"
_MOST_DIGITS = 12


def json_length(value: bytes | None, body: bytes) -> int | None:
    """Return how many bytes of a body are JSON, as its header says; None where it is all of them."""
    if value is None:
        return None
    if not value.isdigit() or len(value) > _MOST_DIGITS or int(value) > len(body):
        raise BadRequest(
            f"Inference-Header-Content-Length must be a number from 0 to the body's {len(body)} bytes, "
            f"got {shortened(value.decode('latin-1'))}."
        )
    return int(value)


def document_of(text: bytes) -> dict[str, Any]:
    """Return the object that the JSON part is; NaN and infinity may stand in it as tokens."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        found = _with_tokens(text, error)
    if not isinstance(found, dict):
        raise BadRequest('Expected a JSON object with "inputs", got something else.')
    return found


def id_of(document: Mapping[str, Any]) -> str | None:
    """Return the identifier that an answer is to carry; None where the request has none."""
    asked = document.get("id")
    if asked is None:
        return None
    try:
        asked.encode()
    except (AttributeError, UnicodeEncodeError):
        raise BadRequest("'id' must be a string of whole characters.") from None
    found: str = asked
    return found


def _with_tokens(text: bytes, error: orjson.JSONDecodeError) -> Any:
    try:
        return json.loads(text.decode())
    except (ValueError, RecursionError):
        raise BadRequest(
            f"The JSON part cannot be read: {error}. If tensors follow as bytes, "
            "Inference-Header-Content-Length must be the length of the JSON part."
        ) from None
