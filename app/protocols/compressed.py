"""Bodies that are compressed for the way: gzip, and deflate, which is zlib's format (RFC 9110, 8.4.1)."""

import zlib

from app.errors import BadRequest, TooLarge, UnsupportedMediaType, shortened

# zlib's own numbers for: a gzip head and tail, a zlib head and tail.
_WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
IDENTITY = b"identity"
# More takes longer than it saves on the way.
_LEVEL = 1


def inflated(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Return a body as it was before it was compressed, at most ``limit`` bytes of it.

    Raises :class:`~app.errors.UnsupportedMediaType` for another encoding, :class:`~app.errors.TooLarge` and
    :class:`~app.errors.BadRequest`.
    """
    encoding = encoding.strip().lower()
    if encoding in (b"", IDENTITY):
        return body
    window = _WINDOWS.get(encoding)
    if window is None:
        shown = shortened(encoding.decode("latin-1"))
        raise UnsupportedMediaType(
            f"Expected a body as it is, or compressed by gzip or deflate, got {shown}.",
            code="unsupported_content_encoding",
            headers={"Accept-Encoding": "gzip, deflate"},
        )
    unpacking = zlib.decompressobj(window)
    try:
        found = unpacking.decompress(body, limit + 1)
    except zlib.error:
        raise BadRequest("The compressed body is damaged.") from None
    if len(found) > limit:
        raise TooLarge(f"The body may have at most {limit:,} bytes here, unpacked.", extra={"limit": limit})
    if not unpacking.eof or unpacking.unused_data:
        raise BadRequest("The compressed body does not end where it says.")
    return found


def wished(accepted: bytes | None) -> bytes | None:
    """Return how an answer is to be packed: as the client asks, if it asks for nothing but one way.

    Most clients say that they take packed answers anyhow; on fast lines they would only wait longer for one.
    """
    return accepted if accepted in _WINDOWS else None


def packed(body: bytes, encoding: bytes) -> bytes:
    """Return a body compressed."""
    packing = zlib.compressobj(_LEVEL, wbits=_WINDOWS[encoding])
    return packing.compress(body) + packing.flush()
