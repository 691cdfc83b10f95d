"""The database: one engine, short transactions, and rings of the doorbell sent only after a commit."""

import importlib.util
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_SECONDS = 30
# SQLite before 3.51.3 can corrupt a write-ahead log that several processes write (sqlite.org/wal.html, 11).
SAFE_WAL_VERSION = (3, 51, 3)
# Names of slots to ring for, collected on a session until it commits.
_RINGS = "rings"

Ring = Callable[[frozenset[str]], None]


class Database:
    """Transactions on one database.

    ``on_commit`` is told the sorts of slot that a committed transaction left work for.
    """

    def __init__(self, url: str, *, on_commit: Ring | None = None) -> None:
        self.engine = create_database_engine(url)
        self._on_commit = on_commit
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(
            self.engine.execution_options(sqlite_begin="IMMEDIATE"), expire_on_commit=False
        )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only reads; it is rolled back at the end."""
        with self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction, commit it at the end, then ring; an exception rolls back and does not ring."""
        with self._writing() as session:
            yield session
            session.commit()
            rings = frozenset(session.info.pop(_RINGS, ()))
        if rings and self._on_commit is not None:
            self._on_commit(rings)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def ring_after_commit(session: Session, slot: str) -> None:
    """Remember that this transaction leaves work for slots of sort ``slot`` (``training`` or ``light``)."""
    session.info.setdefault(_RINGS, set()).add(slot)


def create_database_engine(url: str) -> Engine:
    """Return an engine for SQLite or PostgreSQL with the settings that this service relies on."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _create_sqlite_engine(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return _create_postgresql_engine(parsed)


def _create_postgresql_engine(url: URL) -> Engine:
    from app.postgresql import Connection  # noqa: PLC0415 - its driver is needed by no SQLite

    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=5,
        pool_timeout=2,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 3,
            # Else a server whose machine is gone would keep a request waiting for a quarter of an hour.
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "options": "-c statement_timeout=10s -c lock_timeout=2s"
            " -c idle_in_transaction_session_timeout=30s",
        },
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Connection:
        return Connection.connect(*arguments, **options)

    return engine


def sqlite_module() -> Any:
    """Return the newest SQLite at hand: the wheel's where it is installed, else Python's own."""
    if importlib.util.find_spec("pysqlite3") is None:
        return sqlite3
    flags = sys.getdlopenflags()
    # TensorFlow exports an SQLite too. Loaded before the wheel it would be bound to its functions, and two
    # processes on one database would differ in version and thus in journal mode.
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        import pysqlite3.dbapi2  # noqa: PLC0415 - has a wheel only on some platforms
    finally:
        sys.setdlopenflags(flags)
    return pysqlite3.dbapi2


def _create_sqlite_engine(url: str) -> Engine:
    module = sqlite_module()
    journal = "WAL" if module.sqlite_version_info >= SAFE_WAL_VERSION else "DELETE"
    engine = create_engine(
        url,
        module=module,
        pool_size=16,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_SECONDS,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin too late; SQLAlchemy's "begin" below does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
        cursor.execute(f"PRAGMA journal_mode={journal}")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute("PRAGMA mmap_size=0")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A deferred read that turns into a write fails at once, whatever the timeout: writers say so first.
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine
