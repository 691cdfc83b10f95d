"""The keys and sessions that are valid now, in memory, so that a request needs no query to be let in."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from app.database import Database
from app.keys import repository
from app.keys.principal import Principal
from app.tables.base import now
from app.tables.key import Key

REFRESH_SECONDS = 1.0
TOUCH_SECONDS = 60.0

Sort = Literal["key", "session"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Grant:
    principal: Principal
    expires_at: float


class Keyring:
    """What is known of the database's keys, never older than a second while the database can be read.

    While it cannot, what was known stays valid until it expires: nobody can revoke a key then, and
    predictions, which need no database, go on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._grants: dict[tuple[Sort, str], _Grant] = {}
        self._used: dict[str, float] = {}
        # Held while the database is read, so that an older answer never replaces a newer one.
        self._reading = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="keyring", daemon=True)

    def start(self) -> None:
        """Read all keys, then go on doing so each second."""
        self._refresh_quietly()
        self._thread.start()

    def close(self) -> None:
        """Stop reading, and store what is not yet stored of the keys' use."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._touch_quietly()

    def find(self, sort: Sort, digest: str) -> Principal | None:
        """Return whom a key or session belongs to, from memory."""
        grant = self._grants.get((sort, digest))
        present = time.time()
        if grant is None or grant.expires_at <= present:
            return None
        self._used[grant.principal.key_id] = present
        return grant.principal

    def look_up(self, sort: Sort, digest: str) -> Principal | None:
        """Return whom a key or session belongs to, asking the database: it may be a moment old."""
        with self._reading, self._database.read() as session:
            if sort == "key":
                grants = [_grant(key, None) for key in repository.valid_keys(session, now(), digest)]
            else:
                found = repository.valid_sessions(session, now(), digest)
                grants = [_grant(key, row.expires_at) for row, key in found]
            if not grants:
                return None
            self._grants[sort, digest] = grants[0]
        return self.find(sort, digest)

    def refresh(self) -> None:
        """Read all valid keys and sessions; what is not among them opens nothing from now on."""
        with self._reading, self._database.read() as session:
            grants: dict[tuple[Sort, str], _Grant] = {}
            for key in repository.valid_keys(session, now()):
                grants["key", key.digest] = _grant(key, None)
            for row, key in repository.valid_sessions(session, now()):
                grants["session", row.digest] = _grant(key, row.expires_at)
            self._grants = grants

    def forget(self, key_id: str) -> None:
        """Let a key and its sessions open nothing from now on; for when its revocation is committed."""
        with self._reading:
            kept = {at: grant for at, grant in self._grants.items() if grant.principal.key_id != key_id}
            self._grants = kept

    def _follow(self) -> None:
        touched = time.monotonic()
        while not self._stopped.wait(REFRESH_SECONDS):
            self._refresh_quietly()
            if time.monotonic() - touched > TOUCH_SECONDS:
                self._touch_quietly()
                touched = time.monotonic()

    def _refresh_quietly(self) -> None:
        # Whatever it was, the next second brings another try; without this thread no key could be revoked.
        try:
            self.refresh()
        except Exception as error:
            log.warning("the keys cannot be read, the known ones stay valid: %s", type(error).__name__)

    def _touch_quietly(self) -> None:
        used, self._used = self._used, {}
        if not used:
            return
        try:
            with self._database.write() as session:
                for key_id, at in used.items():
                    repository.touch(session, key_id, datetime.fromtimestamp(at, UTC))
        except Exception as error:
            log.warning("the last use of %d keys is not stored: %s", len(used), type(error).__name__)


def _grant(key: Key, session_ends: datetime | None) -> _Grant:
    ends = [moment.timestamp() for moment in (key.expires_at, session_ends) if moment is not None]
    principal = Principal(key.id, key.name, key.owner, frozenset(key.scopes))
    return _Grant(principal, min(ends, default=float("inf")))
