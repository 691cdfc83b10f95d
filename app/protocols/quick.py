"""What dialects answer at once, past the application: see :mod:`app.edge.lane`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from app.edge.routes import Matched
from app.protocols.replies import Header


class Answer(NamedTuple):
    """An answer with status 200: what it is counted as, its headers by :func:`head_of`, and its body."""

    route: str
    head: bytes
    body: bytes


class Asking(NamedTuple):
    """A request that is quick to read; ``headers`` are in lower case, and each stands there once."""

    matched: Matched
    path: str
    owner: str
    headers: Mapping[bytes, bytes]
    body: bytes


class Quick(Protocol):
    """A dialect that answers some requests at once."""

    def at_once(self, asking: Asking) -> Answer | None:
        """Return the answer; None, or any error, leaves the request to the application."""


def head_of(headers: Sequence[Header]) -> bytes:
    """Return headers as they go over the wire."""
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)
