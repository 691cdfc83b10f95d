"""The versions that are in memory: loaded once however many ask, capped by bytes, least used first out."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Set
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, NamedTuple

from app.serving.loaded import LoadedVersion, NotServable
from app.serving.memory import give_back
from app.serving.threads import step_back

# A version that could not be loaded is not tried again before this.
RETRY_SECONDS = 30.0

log = logging.getLogger(__name__)


class State(NamedTuple):
    """Whether a version answers at once; if not, ``reason`` says why."""

    name: Literal["READY", "LOADING", "UNAVAILABLE"]
    reason: str = ""


class VersionCache:
    """Loaded versions by identifier.

    ``load`` runs on one thread of its own, so that loading takes little from serving; ``on_change`` is
    called there whenever a version was loaded. When room is needed, what is pinned stays, and what is
    favoured goes last.
    """

    def __init__(
        self, load: Callable[[str], LoadedVersion], capacity: int, on_change: Callable[[], None]
    ) -> None:
        self._load = load
        self._capacity = capacity
        self._on_change = on_change
        self._lock = threading.Lock()
        self._loaded: dict[str, LoadedVersion] = {}
        self._loading: dict[str, Future[LoadedVersion]] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._evicted: set[str] = set()
        # Of those being loaded: unloaded meanwhile, and not asked for since.
        self._unwanted: set[str] = set()
        self._pinned: set[str] = set()
        self._favoured: Set[str] = frozenset()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="loading", initializer=step_back)
        # Its thread begins now: could it not begin later, a version would be on its way for ever.
        self._pool.submit(int)

    def get(self, version_id: str) -> LoadedVersion | None:
        """Return the version if it is in memory."""
        return self._loaded.get(version_id)

    def state(self, version_id: str) -> State:
        """Return how a version stands."""
        with self._lock:
            if version_id in self._loaded:
                return State("READY")
            if version_id in self._loading:
                return State("LOADING", "it is being loaded")
            if version_id in self._failed:
                return State("UNAVAILABLE", self._failed[version_id][1])
            return State("UNAVAILABLE", "it is not in memory")

    def request(self, version_id: str, *, anew: bool = False) -> "Future[LoadedVersion]":
        """Return the future of a version; it is loaded unless it is there, on its way, or failed lately.

        The future raises :class:`~app.serving.loaded.NotServable` if the version cannot be loaded; ``anew``
        tries even if it failed lately.
        """
        with self._lock:
            if version_id in self._loading:
                self._unwanted.discard(version_id)
                return self._loading[version_id]
            future: Future[LoadedVersion] = Future()
            if version_id in self._loaded:
                future.set_result(self._loaded[version_id])
                return future
            failed_at, reason = self._failed.get(version_id, (0.0, ""))
            if reason and not anew and time.monotonic() - failed_at < RETRY_SECONDS:
                future.set_exception(NotServable(reason))
                return future
            self._loading[version_id] = future
        self._pool.submit(self._run, version_id, future)
        return future

    def welcomes(self, version_id: str) -> bool:
        """Tell whether there is room for a version that nobody asked for and that was not evicted before."""
        with self._lock:
            return version_id not in self._evicted and self._bytes() < self._capacity

    def pin(self, version: LoadedVersion, instead_of: Iterable[str] = ()) -> bool:
        """Let a version stay in memory, others no longer; return whether what is pinned leaves room for it.

        It has just been there, but somebody else may have unloaded it since.
        """
        with self._lock:
            pinned = self._pinned.difference(instead_of, {version.id})
            held = sum(each.bytes for each in self._loaded.values() if each.id in pinned) + version.bytes
            if held > self._capacity:
                return False
            self._pinned = pinned | {version.id}
            if version.id not in self._loaded:
                self._take_in(version)
        self._on_change()
        return True

    def unload(self, version_ids: Iterable[str]) -> None:
        """Forget versions, pinned or not and also those being loaded, until somebody asks for them."""
        with self._lock:
            for version_id in version_ids:
                self._pinned.discard(version_id)
                self._evicted.add(version_id)
                self._loaded.pop(version_id, None)
                if version_id in self._loading:
                    self._unwanted.add(version_id)

    def keep(
        self, known: Set[str], wanted: Set[str], favoured: Set[str] = frozenset(), *, idle_seconds: float
    ) -> bool:
        """Forget what is not ``known`` any more, and what is not ``wanted`` and was not used for a while.

        What is ``favoured`` is the last to make room. Returns whether anything was forgotten.
        """
        horizon = time.monotonic() - idle_seconds
        with self._lock:
            self._favoured = favoured
            self._pinned &= known
            wanted = wanted | self._pinned
            gone = [
                version.id
                for version in self._loaded.values()
                if version.id not in known or (version.id not in wanted and version.used_at < horizon)
            ]
            for version_id in gone:
                del self._loaded[version_id]
            self._evicted &= known
            for version_id in self._failed.keys() - known:
                del self._failed[version_id]
        return bool(gone)

    def close(self) -> None:
        """Stop loading and forget everything."""
        self._pool.shutdown(cancel_futures=True)
        self._loaded.clear()

    def _run(self, version_id: str, future: "Future[LoadedVersion]") -> None:
        try:
            version = self._load(version_id)
        except Exception as error:
            log.error("version %s cannot be served: %s", version_id, error, exc_info=error.__cause__)
            with self._lock:
                if isinstance(error, NotServable):
                    self._failed[version_id] = (time.monotonic(), str(error))
                del self._loading[version_id]
                self._unwanted.discard(version_id)
            future.set_exception(error)
            return
        with self._lock:
            self._failed.pop(version_id, None)
            del self._loading[version_id]
            evicted = version_id not in self._unwanted and self._take_in(version)
            self._unwanted.discard(version_id)
        self._on_change()
        if evicted:
            give_back()
        future.set_result(version)

    def _take_in(self, version: LoadedVersion) -> bool:
        """Keep a version; return whether another had to go."""
        self._loaded[version.id] = version
        self._evicted.discard(version.id)
        return self._evict(version)

    def _bytes(self) -> int:
        return sum(version.bytes for version in self._loaded.values())

    def _evict(self, newest: LoadedVersion) -> bool:
        """Make room, never at the cost of ``newest``: a version larger than the cap is served alone.

        Returns whether something had to go.
        """
        evicted = False
        excess = self._bytes() - self._capacity
        for version in sorted(self._loaded.values(), key=self._worth):
            if excess > 0 and version is not newest and version.id not in self._pinned:
                del self._loaded[version.id]
                self._evicted.add(version.id)
                excess -= version.bytes
                evicted = True
        return evicted

    def _worth(self, version: LoadedVersion) -> tuple[bool, float]:
        return version.id in self._favoured, version.used_at
