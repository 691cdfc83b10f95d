"""Request bodies, read raw, and the headers that say how to read them."""

from collections.abc import Iterable
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from app.errors import BadRequest, TooLarge, UnsupportedMediaType, shortened


class BodyHeaders(NamedTuple):
    """What the headers say of the body; the media type is lower-case and without parameters."""

    media_type: str
    length: int | None


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> BodyHeaders:
    """Return the media type (empty if none) and the announced length of a request's body."""
    media_type, length = "", None
    for name, value in headers:
        if name == b"content-type":
            media_type = value.partition(b";")[0].strip().lower().decode("latin-1")
        elif name == b"content-length":
            if not value.isdigit():
                raise BadRequest("The header Content-Length is not a whole number.")
            length = int(value)
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            raise UnsupportedMediaType(
                f"Content-Encoding {shortened(value.decode('latin-1'))} is not read; send the body as it is.",
                headers={"Accept-Encoding": "identity"},
            )
    return BodyHeaders(media_type, length)


async def read_body(receive: Receive, headers: BodyHeaders, limit: int) -> bytes:
    """Return the whole body.

    Raises :class:`~app.errors.TooLarge` as soon as it is known to exceed ``limit`` bytes and
    :class:`~starlette.requests.ClientDisconnect` if the client leaves.
    """
    if headers.length is not None and headers.length > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


def _too_large(limit: int) -> TooLarge:
    # The connection ends, or the rest of the body would be read only to be thrown away.
    return TooLarge(
        f"The body is larger than the limit of {limit} bytes. Send fewer rows at a time.",
        headers={"Connection": "close"},
    )
