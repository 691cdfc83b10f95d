"""Lists in pages: a limit, and an opaque cursor that names the last row of the page before."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from app.errors import BadRequest

T = TypeVar("T")
Row = TypeVar("Row")

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
_CHECK_BYTES = 6

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description=f"Rows of a page, 1 to {MAX_LIMIT}.")]
Cursor = Annotated[
    str, Field(max_length=1000, description="`next_cursor` of the page before; nothing else is accepted.")
]


class PageQuery(BaseModel):
    """The query parameters that every list takes; a filter that is none must not pass for one."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class Page(BaseModel, Generic[T]):
    """One page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def cut(
    rows: Sequence[Row], limit: int, listing: str, key: Callable[[Row], str | int]
) -> tuple[Sequence[Row], str | None]:
    """Return the page of ``rows``, of which one more than ``limit`` was asked for, and the next cursor.

    ``listing`` names the list and its filters; a cursor of another one is refused.
    """
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, encode_cursor(listing, key(page[-1]))


def encode_cursor(listing: str, position: str | int) -> str:
    """Return a cursor that stands for ``position`` in ``listing``."""
    payload = json.dumps(position).encode()
    return base64.urlsafe_b64encode(_check(listing, payload) + payload).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str) -> str | int:
    """Return the position; raises ``invalid_cursor`` for anything but a cursor of this listing.

    The check is no secret: a cursor opens nothing, so it need only be safe against accidents.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, payload = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        if check == _check(listing, payload):
            position = json.loads(payload)
            assert isinstance(position, str | int)
            return position
    except ValueError:
        pass
    raise BadRequest(
        "The cursor is not one of this list with these filters. Leave it out to start from the first page.",
        code="invalid_cursor",
    )


def _check(listing: str, payload: bytes) -> bytes:
    return hashlib.sha256(listing.encode() + b"\0" + payload).digest()[:_CHECK_BYTES]
