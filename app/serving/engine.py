"""The serving engine: follows the registry, keeps versions in memory, and changes them unseen."""

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.errors import Unavailable, shortened
from app.serving.cache import RETRY_SECONDS, VersionCache
from app.serving.execution import Execution
from app.serving.loaded import LoadedVersion, NotServable, load
from app.serving.memory import give_back
from app.serving.snapshot import Snapshot, Target, read_snapshot
from app.settings import Settings
from app.storage import Store
from app.tables.model_version import ModelVersion

REFRESH_SECONDS = 0.5
# Requests for unknown names ask the database at once, but not more often than this.
SHORTEST_REFRESH_SECONDS = 0.05
# A version that no alias names any more stays ready for a roll-back this long.
IDLE_SECONDS = 60.0

log = logging.getLogger(__name__)


class Engine:
    """What the protocols ask for versions; ``execution`` is where they run them.

    A thread reads the registry. When an alias moves, the version it names is loaded first; until that has
    answered its golden rows the alias goes on meaning the old one, whose last requests then end in peace.
    """

    def __init__(self, database: Database, store: Store, settings: Settings) -> None:
        self.execution = Execution()
        self._database = database
        self._store = store
        self._cache = VersionCache(self._load, settings.loaded_bytes, self._flip)
        self._snapshot = Snapshot()
        self._live: dict[Target, LoadedVersion] = {}
        self._lock = threading.Lock()
        self._waiting: list[Future[None]] = []
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="registry", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether the registry was read."""
        return self._ready.is_set()

    def start(self) -> None:
        """Begin to follow the registry."""
        self._thread.start()

    def close(self) -> None:
        """Stop following and forget all versions."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._cache.close()
        self.execution.close()
        self._live = {}

    def lookup(self, target: Target) -> LoadedVersion | None:
        """Return the version that answers for ``target`` if it is in memory; this is the hot path."""
        version = self._live.get(target)
        if version is not None:
            version.used_at = time.monotonic()
        return version

    async def obtain(self, target: Target) -> LoadedVersion:
        """Return the version that answers for ``target``, loading it if need be.

        Raises :class:`~app.errors.NotFound` if there is none and :class:`~app.errors.Unavailable` if it
        cannot be loaded or the registry cannot be read.
        """
        version = self.lookup(target)
        if version is not None:
            return version
        if target not in self._snapshot.targets:
            # It may have been published since the registry was read last.
            await self._refreshed()
        version_id = self._snapshot.targets.get(target)
        if version_id is None:
            raise self._snapshot.missing(target)
        try:
            # Shielded: others may be waiting for the same version.
            return await asyncio.shield(asyncio.wrap_future(self._cache.request(version_id)))
        except NotServable as error:
            raise Unavailable(
                f"{shortened(target.which)} of model {shortened(target.name)} cannot be served: {error}. "
                "Name another version, or train again.",
                code="version_not_servable",
                headers={"Retry-After": str(int(RETRY_SECONDS))},
            ) from None
        except SQLAlchemyError:
            raise _registry_unreadable() from None

    async def targets(self, owner: str) -> list[Target]:
        """Return all that an owner can ask for, as the registry has it now."""
        await self._refreshed()
        return [target for target in self._snapshot.targets if target.owner == owner]

    async def models(self, owner: str) -> dict[str, datetime]:
        """Return an owner's models that have a version, and when each was made."""
        names = {target.name for target in await self.targets(owner)}
        made = self._snapshot.models
        return {name: made[owner, name] for name in sorted(names)}

    async def numbers(self, target: Target) -> list[int]:
        """Return the numbers of the versions that a target means, of a whole model for its champion."""
        found = self._snapshot.numbers(target)
        if not found:
            await self._refreshed()
            found = self._snapshot.numbers(target)
        return found

    async def _refreshed(self) -> None:
        """Wait until the registry was read once more, from now on."""
        if not self._thread.is_alive():
            raise _registry_unreadable()
        waiting: Future[None] = Future()
        with self._lock:
            self._waiting.append(waiting)
        self._wake.set()
        try:
            await asyncio.wrap_future(waiting)
        except Exception:
            raise _registry_unreadable() from None

    def _follow(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
            failure = self._refresh()
            for future in waiting:
                # One whose caller is gone was cancelled.
                if future.set_running_or_notify_cancel():
                    future.set_exception(failure) if failure else future.set_result(None)
            self._stopped.wait(SHORTEST_REFRESH_SECONDS)
            self._wake.wait(REFRESH_SECONDS - SHORTEST_REFRESH_SECONDS)

    def _refresh(self) -> Exception | None:
        try:
            with self._database.read() as session:
                snapshot = read_snapshot(session)
        except Exception as error:
            # Whatever it was, the thread lives on: without it no new version would ever answer.
            log.warning("the registry cannot be read, its last state is served: %s", error)
            return error
        self._snapshot = snapshot
        aliases = snapshot.aliases()
        self._load_moved(aliases)
        answering = {version.id for target, version in self._live.items() if target in aliases}
        dropped = self._cache.keep(
            known=set(snapshot.targets.values()),
            wanted=answering | set(aliases.values()),
            idle_seconds=IDLE_SECONDS,
        )
        self._flip()
        if dropped:
            give_back()
        self._ready.set()
        return None

    def _load_moved(self, aliases: dict[Target, str]) -> None:
        """Load what an alias came to name; what was evicted for want of room waits until it is asked for."""
        for target, version_id in aliases.items():
            present = self._live.get(target)
            moved = present is not None and present.id != version_id
            if moved or (present is None and self._cache.welcomes(version_id)):
                self._cache.request(version_id)

    def _flip(self) -> None:
        """Let every target mean the version it names now, or the old one until that is in memory."""
        with self._lock:
            live = {}
            for target, version_id in self._snapshot.targets.items():
                version = self._cache.get(version_id)
                present = self._live.get(target)
                if version is None and present is not None and self._cache.get(present.id) is present:
                    version = present
                if version is not None:
                    live[target] = version
            self._live = live

    def _load(self, version_id: str) -> LoadedVersion:
        with self._database.read() as session:
            row = session.get(ModelVersion, version_id)
        if row is None:
            raise NotServable("it was deleted")
        return load(row, self._store)


def _registry_unreadable() -> Unavailable:
    return Unavailable(
        "The registry cannot be read now; only versions in use answer. Try again later.",
        code="registry_unreadable",
        headers={"Retry-After": "1"},
    )
