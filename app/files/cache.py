"""The cache: files of the store that this machine has fetched, by digest, as many as there is room for."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.storage import synced

# Whoever asked for a file may be about to open it.
SPARED_SECONDS = 60.0


class _Kept(NamedTuple):
    used_at: float
    bytes: int
    path: Path


class Cache:
    """A folder of files that never change; several processes may use it at once.

    What was used least recently goes first when there are more than ``capacity`` bytes. Who has a file open,
    or a link to it, keeps it.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder = folder
        self._capacity = capacity

    def path(self, sha256: str) -> Path:
        """Return where the file with this digest is, if it is here."""
        return self.folder / sha256

    def find(self, sha256: str) -> Path | None:
        """Return the file with this digest and note its use; None if it is not here."""
        path = self.path(sha256)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def take(self, source: Path, sha256: str) -> Path:
        """Move a file whose digest was verified into the cache."""
        synced(source)
        source.chmod(0o400)
        os.utime(source)
        target = self.path(sha256)
        source.replace(target)
        self.make_room(0)
        return target

    def make_room(self, size: int) -> None:
        """Remove files until ``size`` more bytes fit in, but none that was used a moment ago."""
        kept = sorted(self._kept())
        excess = sum(file.bytes for file in kept) + size - self._capacity
        horizon = time.time() - SPARED_SECONDS
        for file in kept:
            if excess <= 0 or file.used_at > horizon:
                return
            file.path.unlink(missing_ok=True)
            excess -= file.bytes

    def forget(self, sha256: str) -> None:
        """Remove a file, which turned out to be damaged."""
        self.path(sha256).unlink(missing_ok=True)

    def _kept(self) -> list[_Kept]:
        found = []
        for path in self.folder.iterdir():
            # Another process may remove it just now.
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append(_Kept(status.st_mtime, status.st_size, path))
        return found
