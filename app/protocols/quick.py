"""What dialects make ready to be answered past the application: see :mod:`app.edge.lane`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.edge.routes import Matched
from app.protocols.replies import Header
from app.serving.loaded import LoadedVersion
from app.serving.turns import Ready


class Answer(NamedTuple):
    """An answer with status 200: its headers by :func:`head_of`, and its body."""

    head: bytes
    body: bytes


@dataclass(slots=True)
class Asking:
    """A request that is quick to read; ``headers`` are in lower case, and each stands there once.

    A dialect leaves here as what the request is counted, and the ``version`` that it found.
    """

    matched: Matched
    path: str
    owner: str
    headers: Mapping[bytes, bytes]
    body: bytes
    route: str
    id: str
    version: LoadedVersion | None = None


class Quick(Protocol):
    """A dialect that has some requests answered at once."""

    def prepare(self, asking: Asking) -> Ready[Answer] | None:
        """Return what answers a request; None leaves it to the application, and so does an error.

        Only :class:`~app.errors.TooMany` is told from here: a queue that is full refuses as many as ask, and
        must not spend on each what an answer costs.
        """


def head_of(headers: Sequence[Header]) -> bytes:
    """Return headers as they go over the wire."""
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)
