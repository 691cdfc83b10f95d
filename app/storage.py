"""The store of files: content-addressed, written once, verified by digest.

Artifacts and datasets are kept as ``objects/<first two of sha256>/<sha256>``; rows name them by digest. By
default that is a folder of this machine; :mod:`app.files` keeps them where several machines reach them.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.settings import Settings

if TYPE_CHECKING:
    from app.files.depot import Depot

OBJECTS = "objects"
LOCK_FILE = "objects.lock"
# A file that is still arriving is younger, however slow the line.
ABANDONED_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Stored:
    """A file in the store."""

    sha256: str
    bytes: int


class StoreError(OSError):
    """A file cannot be had from the store, or not be given to it; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EIO, message)

    def __str__(self) -> str:
        return str(self.strerror)


class Missing(StoreError):
    """The store has no such file."""


class Damaged(StoreError):
    """The store has the file, but not with the content that its name tells."""


class Away(StoreError):
    """The store does not answer as it should; the same may be possible later."""


class UnusableAddress(StoreError):
    """Files cannot be kept at this address, now or later."""


class Kept(NamedTuple):
    """A file of the store, and when it was added last, in seconds since 1970."""

    sha256: str
    bytes: int
    written_at: float


class Store:
    """Files on a local directory."""

    depot: "Depot | None" = None
    """Where the files are kept, if not here; others that several machines share can be kept there too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = root / OBJECTS
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

    def check(self) -> None:
        """Make sure that files can be written and read; a folder that was made can."""

    def trouble(self) -> str | None:
        """Return why files cannot be had at present; a folder is always there."""
        return None

    def path(self, sha256: str) -> Path:
        """Return where the file with this digest is kept; it need not exist."""
        return self.objects / sha256[:2] / sha256

    def fetch(self, sha256: str) -> Path:
        """Return the file with this digest; open it soon.

        Raises:
            Missing: there is none.
        """
        path = self.path(sha256)
        if not path.is_file():
            raise Missing(f"The file {sha256} is missing in the store.")
        return path

    def place(self, sha256: str, folder: Path) -> Path:
        """Return where a job finds the file with this digest; ``folder`` is the job's."""
        return self.path(sha256)

    def provide(self, place: Path) -> None:
        """See to it that the file of a :meth:`place` is there; it stays as long as the job's folder.

        Raises:
            Missing: there is none.
        """
        self.fetch(place.name)

    def forget(self, sha256: str) -> None:
        """Have a damaged file fetched again; a folder has no other."""

    def listed(self) -> Iterator[Kept]:
        """Yield all files that are kept, in no order."""
        for path in self.objects.glob("??/*"):
            # It may be replaced or removed just now.
            with suppress(FileNotFoundError):
                status = path.stat()
                yield Kept(path.name, status.st_size, status.st_mtime)

    def discard(self, sha256: str, before: float) -> bool:
        """Remove a file that was added before a moment, in seconds; False for a younger one."""
        path = self.path(sha256)
        with self._locked(fcntl.LOCK_EX):
            if not path.exists() or path.stat().st_mtime >= before:
                return False
            path.unlink()
        return True

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
        synced(source)
        source.chmod(0o400)
        with self._locked(fcntl.LOCK_SH):
            # From now on it is young, whatever it was: who discards what is old leaves it.
            os.utime(source)
            source.rename(target)
        synced(target.parent)
        return Stored(digest, size)

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Keep those who add files and those who discard them out of each other's way."""
        with (self.root / LOCK_FILE).open("w") as file:
            fcntl.flock(file, kind)
            yield


def open_store(settings: Settings) -> Store:
    """Return the store that the settings name.

    Raises:
        UnusableAddress: files cannot be kept at that address.
    """
    if not settings.files_url:
        return Store(settings.data_dir)
    from app.files.remote import RemoteStore  # noqa: PLC0415 - large, and needed by few

    return RemoteStore(settings.data_dir, settings.files_url, settings.cache_bytes)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def synced(path: Path) -> None:
    """Return when a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
