"""The serving engine: follows the registry, keeps versions in memory, and changes them unseen."""

import asyncio
import logging
import math
import threading
import time
from concurrent.futures import Future
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.errors import Conflict, Unavailable, shortened
from app.serving.cache import RETRY_SECONDS, State, VersionCache
from app.serving.execution import Execution
from app.serving.loaded import LoadedVersion, NotServable, load
from app.serving.memory import give_back
from app.serving.snapshot import CHAMPION, Snapshot, Target, read_snapshot
from app.serving.statistics import Statistics
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
    """What the protocols ask for versions; ``execution`` is where they run them, ``statistics`` what became.

    A thread reads the registry. When an alias moves, the version it names is loaded first; until that has
    answered its golden rows the alias goes on meaning the old one, whose last requests then end in peace.
    """

    def __init__(self, database: Database, store: Store, settings: Settings) -> None:
        self.execution = Execution(
            queue_seconds=settings.queue_seconds, request_seconds=settings.request_seconds
        )
        self.statistics = Statistics()
        self._database = database
        self._store = store
        self._cache = VersionCache(self._load, settings.loaded_bytes, self._flip)
        self._loading_seconds = settings.loading_seconds
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
        loading = self._cache.request(await self._meant(target))
        return await self._loaded(target, loading, self._loading_seconds)

    def state(self, target: Target) -> State:
        """Return whether what a target means answers at once; raise :class:`~app.errors.NotFound` if nothing.

        What was published a moment ago may not be known yet: it is to :meth:`obtain`, and to :meth:`targets`.
        """
        snapshot = self._snapshot
        if target not in snapshot.targets:
            raise snapshot.missing(target)
        return self._state(target, snapshot)

    async def states(self, owner: str) -> dict[Target, State]:
        """Return all that an owner can ask for, as the registry has it now, and how each stands."""
        await self._refreshed()
        snapshot = self._snapshot
        return {target: self._state(target, snapshot) for target in snapshot.targets if target.owner == owner}

    def _state(self, target: Target, snapshot: Snapshot) -> State:
        return State("READY") if target in self._live else self._cache.state(snapshot.targets[target])

    async def load(self, target: Target) -> LoadedVersion:
        """Load what a target means, even if that failed lately, and keep it in memory until it is unloaded.

        Raises as :meth:`obtain` does, after waiting as long as it takes, and :class:`~app.errors.Conflict`
        if what is kept so leaves no room for it.
        """
        version = await self._loaded(target, self._cache.request(await self._meant(target), anew=True))
        # One version of a model stays, not all those that its champion ever was.
        others = self._snapshot.ids(target) if isinstance(target.which, str) else ()
        if not self._cache.pin(version, instead_of=others):
            raise Conflict(
                f"Version {version.number} of model {shortened(version.model)} does not fit into memory "
                "beside the others that were loaded to stay. Unload one, or raise KERAFORGE_LOADED_BYTES.",
                code="no_room",
            )
        return version

    async def unload(self, target: Target) -> None:
        """Let the memory go of what a target means, of all versions for a champion; requests end in peace.

        Whoever asks for it later loads it again. Raises :class:`~app.errors.NotFound` for an unknown target.
        """
        await self._meant(target)
        self._cache.unload(self._snapshot.ids(target))
        self._flip()
        await asyncio.to_thread(give_back)

    async def _meant(self, target: Target) -> str:
        """Return the identifier of the version that a target means."""
        if target not in self._snapshot.targets:
            # It may have been published since the registry was read last.
            await self._refreshed()
        version_id = self._snapshot.targets.get(target)
        if version_id is None:
            raise self._snapshot.missing(target)
        return version_id

    async def _loaded(
        self, target: Target, loading: "Future[LoadedVersion]", seconds: float | None = None
    ) -> LoadedVersion:
        try:
            # Shielded: others may be waiting for the same version.
            async with asyncio.timeout(seconds):
                return await asyncio.shield(asyncio.wrap_future(loading))
        except TimeoutError:
            limit = seconds or 0.0
            raise Unavailable(
                f"{_named(target)} is still being loaded after {limit:g} s, which is the limit. Try again.",
                code="version_loading",
                headers={"Retry-After": str(max(1, math.ceil(limit)))},
            ) from None
        except NotServable as error:
            raise Unavailable(
                f"{_named(target)} cannot be served: {error}. Name another version, or train again.",
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
        await self._refreshed()
        snapshot = self._snapshot
        names = {target.name for target in snapshot.targets if target.owner == owner}
        return {name: snapshot.models[owner, name] for name in sorted(names)}

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
        """Serve what the registry has now; return what went wrong."""
        try:
            with self._database.read() as session:
                snapshot = read_snapshot(session)
            self._take_over(snapshot)
        except Exception as error:
            # Whatever it was, the thread lives on: without it no new version would ever answer.
            log.warning("the registry cannot be read, its last state is served: %s", error)
            return error
        return None

    def _take_over(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        aliases = snapshot.aliases()
        self._load_moved(aliases)
        answering = {version.id for target, version in self._live.items() if target in aliases}
        known = set(snapshot.targets.values())
        dropped = self._cache.keep(
            known,
            wanted=answering | set(aliases.values()),
            favoured={version for target, version in aliases.items() if target.which == CHAMPION},
            idle_seconds=IDLE_SECONDS,
        )
        self.statistics.keep(known)
        self._flip()
        if dropped:
            give_back()
        self._ready.set()

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
        statistics = self.statistics.begin(row, row.owner, row.model.name, row.number)
        return load(row, self._store, statistics)


def _named(target: Target) -> str:
    return f"{shortened(target.which)} of model {shortened(target.name)}"


def _registry_unreadable() -> Unavailable:
    return Unavailable(
        "The registry cannot be read now; only versions in use answer. Try again later.",
        code="registry_unreadable",
        headers={"Retry-After": "1"},
    )
