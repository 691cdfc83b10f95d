"""A store whose files are kept elsewhere, so that several machines share them; here they are only cached."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.files.cache import Cache
from app.files.depot import Depot
from app.identifiers import new_id
from app.storage import OBJECTS, Away, Damaged, Kept, Missing, Store, Stored, file_digest

CACHE = "cache"
# For so long an answer of the depot counts as news.
KNOWN_SECONDS = 5.0

log = logging.getLogger(__name__)


class RemoteStore(Store):
    """The files below an address that fsspec knows, with a cache in the data folder."""

    def __init__(self, root: Path, url: str, cache_bytes: int) -> None:
        super().__init__(root)
        self.depot: Depot = Depot(url)
        self.cache = Cache(root / CACHE, cache_bytes)
        self._looking = threading.Lock()
        self._looked = float("-inf")
        self._trouble: str | None = None

    def prepare(self) -> None:
        """Make the folders of what arrives and of what is cached."""
        for folder in (self.staging, self.cache.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def check(self) -> None:
        """Write and read a file; raises :class:`~app.storage.Away` where that is not possible."""
        self.depot.check(self.staging)

    def trouble(self) -> str | None:
        """Return why files cannot be had now, None if they can; the answer is at most a few seconds old."""
        if self._looking.acquire(blocking=False):
            try:
                if time.monotonic() - self._looked >= KNOWN_SECONDS:
                    with self._noting():
                        self.depot.look_in()
            except Away:
                pass
            finally:
                self._looking.release()
        return self._trouble

    def path(self, sha256: str) -> Path:
        """Return where the file with this digest is cached; it need not be there."""
        return self.cache.path(sha256)

    def fetch(self, sha256: str) -> Path:
        """Return the file with this digest, fetched unless it is here; open it soon.

        Raises:
            Missing: the depot has no such file.
            Damaged: what the depot has under this name is something else.
            Away: the depot does not answer as it should.
        """
        if path := self.cache.find(sha256):
            return path
        arriving = self.staging / new_id("arriving")
        try:
            with self._noting():
                found = self.depot.look(_name(sha256))
                self.cache.make_room(found.bytes if found else 0)
                self.depot.get(_name(sha256), arriving)
            if file_digest(arriving) != sha256:
                raise Damaged(f"The file {sha256} is damaged in the store.")
            return self.cache.take(arriving, sha256)
        except Missing:
            raise Missing(f"The file {sha256} is missing in the store.") from None
        finally:
            arriving.unlink(missing_ok=True)

    def place(self, sha256: str, folder: Path) -> Path:
        """Return where a job of this folder will find the file, after :meth:`provide`."""
        return folder / sha256

    def provide(self, place: Path) -> None:
        """Fetch the file of a :meth:`place`, where it stays until its folder is removed."""
        place.parent.mkdir(mode=0o700, exist_ok=True)
        while True:
            try:
                os.link(self.fetch(place.name), place)
            except FileExistsError:
                return
            except FileNotFoundError:
                # The cache was cleared between the two.
                continue
            else:
                return

    def forget(self, sha256: str) -> None:
        """Have a file fetched again, because the one here is damaged."""
        self.cache.forget(sha256)

    def adopt(self, source: Path, digest: str | None = None) -> Stored:
        """Move ``source`` into the store; it stays if that is not possible.

        Raises:
            Away: the depot does not answer as it should.
        """
        digest = digest or file_digest(source)
        size = source.stat().st_size
        with self._noting():
            self.depot.put(source, _name(digest))
        # Whoever has made it is the likeliest to want it.
        self.cache.take(source, digest)
        return Stored(digest, size)

    def listed(self) -> Iterator[Kept]:
        """Yield all files that are kept, in no order."""
        for entry in self.depot.find(OBJECTS):
            digest = entry.name.rpartition("/")[2]
            if entry.age is not None and entry.name == _name(digest):
                yield Kept(digest, entry.bytes, time.time() - entry.age)

    def discard(self, sha256: str, before: float) -> bool:
        """Remove a file that was added before a moment, in seconds; False for a younger one."""
        found = self.depot.look(_name(sha256))
        if found is None or found.age is None or time.time() - found.age >= before:
            return False
        self.depot.remove(_name(sha256))
        self.cache.forget(sha256)
        return True

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Remember whether the depot answers; while it is known not to, nobody waits for it."""
        if self._trouble is not None and time.monotonic() - self._looked < KNOWN_SECONDS:
            raise Away(self._trouble)
        trouble = None
        try:
            yield
        except Away as error:
            trouble = str(error)
            if self._trouble is None:
                log.warning("%s", trouble)
            raise
        finally:
            if self._trouble is not None and trouble is None:
                log.info("files can be had again")
            self._trouble, self._looked = trouble, time.monotonic()


def _name(sha256: str) -> str:
    return f"{OBJECTS}/{sha256[:2]}/{sha256}"
