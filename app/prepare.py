"""What must stand before the first process starts: folders, the database's schema, the first key."""

import os
from contextlib import suppress

from sqlalchemy import make_url

from app.database import Database
from app.keys.first_key import ensure_first_key
from app.migrating import check_schema, locked, migrate
from app.settings import Settings
from app.storage import Store, open_store

LOCK_FILE = "prepare.lock"


def prepare(settings: Settings) -> None:
    """Make the data folder usable; safe to run again, and by several processes at once.

    Raises:
        app.migrating.NewerDatabase: the database belongs to a newer version.
        app.keys.first_key.UnreadableKeyFile: the key file holds something else.
        app.storage.StoreError: the address of the files cannot be used.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _store(settings).sweep()
    with locked(settings.data_dir / LOCK_FILE):
        _create(settings.resolved_database_url)
        migrate(settings.resolved_database_url)
        database = Database(settings.resolved_database_url)
        try:
            with database.write() as session:
                ensure_first_key(session, settings.key_file)
        finally:
            database.close()


def check(settings: Settings) -> None:
    """Make the folders of a process that finds the database prepared.

    Raises:
        app.migrating.WrongSchema: it is not, or it belongs to a newer version.
        app.storage.StoreError: the address of the files cannot be used.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _store(settings)
    _create(settings.resolved_database_url)
    check_schema(settings.resolved_database_url)


def _store(settings: Settings) -> Store:
    store = open_store(settings)
    store.prepare()
    store.check()
    return store


def _create(database_url: str) -> None:
    """Create the file of a database on SQLite for its owner alone; the ones beside it get the same mode."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        # One that is there stays closed: closing it would drop the locks that connections of this process
        # have on it (sqlite.org/howtocorrupt.html, 2.2). Why it cannot be created, SQLite says itself.
        with suppress(OSError):
            os.close(os.open(url.database, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
