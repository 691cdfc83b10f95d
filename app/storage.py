"""The store of files: content-addressed, written once, verified by digest.

Artifacts and datasets are kept as ``objects/<first two of sha256>/<sha256>``; rows name them by digest.
"""

import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# A file that is still arriving is younger, however slow the line.
ABANDONED_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Stored:
    """A file in the store."""

    sha256: str
    bytes: int


class Store:
    """Files on a local directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = root / "objects"
        self.staging = root / "staging"

    def prepare(self) -> None:
        """Make the folders, readable by their owner only."""
        for folder in (self.objects, self.staging):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove what processes that were killed have left in the staging folder, and nobody writes to."""
        for path in self.staging.iterdir():
            # Another process may do the same; and no start fails over what is no use to anybody.
            with suppress(OSError):
                if time.time() - path.lstat().st_mtime > ABANDONED_SECONDS:
                    path.unlink()

    def path(self, sha256: str) -> Path:
        """Return where the file with this digest is kept; it need not exist."""
        return self.objects / sha256[:2] / sha256

    def adopt(self, source: Path, digest: str | None = None) -> Stored:
        """Move ``source`` into the store: synced, then renamed, so that a name never shows a torn file.

        ``digest`` is its SHA-256 where that is known; otherwise the file is read once more for it. It
        replaces a file of that digest: should that one be damaged, what refers to it is well again.
        """
        digest = digest or file_digest(source)
        size = source.stat().st_size
        target = self.path(digest)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if source.stat().st_dev != target.parent.stat().st_dev:
            source = Path(shutil.copyfile(source, self.staging / digest))
        _sync(source)
        source.chmod(0o400)
        source.rename(target)
        _sync(target.parent)
        return Stored(digest, size)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
