"""Files that are fetched from their publishers, checked by their digest."""

import hashlib
import http.client
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from models.reading.errors import BadData
from models.reading.upload import Report, unheard

_PIECE_BYTES = 256 * 1024
# Of silence: a machine without a network should say so soon.
SECONDS = 10.0


@dataclass(frozen=True)
class Remote:
    """A file of ``size`` bytes on the web."""

    url: str
    sha256: str
    size: int


def fetch(
    remotes: Sequence[Remote], folder: Path, report: Report = unheard, *, seconds: float = SECONDS
) -> list[Path]:
    """Fetch files into ``folder`` and return their paths, under the names that they have on the web.

    Raises :class:`BadData` where the machine has no way to them, or they are not what they should be.
    """
    done, whole = 0, sum(remote.size for remote in remotes)
    paths = []
    for remote in remotes:
        path = folder / remote.url.rpartition("/")[2]
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as file:
            for piece in _pieces(remote, seconds):
                file.write(piece)
                digest.update(piece)
                size += len(piece)
                report(done + size, whole)
        if digest.hexdigest() != remote.sha256:
            raise BadData(
                f"What came from {remote.url} is not the file that is known: its SHA-256 is another.",
                "Try again; if it stays so, fetch the data yourself and upload it.",
            )
        done += size
        paths.append(path)
    return paths


def _pieces(remote: Remote, seconds: float) -> Iterator[bytes]:
    """Yield the content of a file, not much more than its size."""
    left = remote.size
    try:
        with urllib.request.urlopen(remote.url, timeout=seconds) as answer:  # noqa: S310 - one of our own
            while left >= 0 and (piece := answer.read(_PIECE_BYTES)):
                yield piece
                left -= len(piece)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(remote, error) from None


def _unreachable(remote: Remote, error: Exception) -> BadData:
    host = urlsplit(remote.url).hostname
    reason = getattr(error, "reason", error)
    why = str(getattr(reason, "strerror", None) or reason or type(error).__name__)[:200]
    return BadData(
        f"This dataset is fetched from {host}, which this machine cannot reach: {why}.",
        "Fetch it on another machine and upload it, or use one that comes with the service, such as digits.",
    )
