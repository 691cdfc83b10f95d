"""The database's schema: brought to the newest revision, and compared with the one that the code knows."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import migrations
from app.database import Database


class NewerDatabase(Exception):
    """The database was migrated by a newer version of Keraforge than this one."""


def alembic_config(database_url: str) -> Config:
    """Return Alembic's configuration for a database, whatever the working directory is."""
    config = Config()
    # Alembic interpolates options, so a per cent sign in the installation's path must be doubled.
    folder = str(Path(migrations.__file__).parent).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.attributes["database_url"] = database_url
    return config


def migrate(database_url: str) -> None:
    """Bring the database to the newest revision.

    Processes of one machine take turns by :func:`locked`, those of several by a lock in PostgreSQL. Raises
    :class:`NewerDatabase` rather than touching a schema that this code does not know.
    """
    config = alembic_config(database_url)
    found = schema_revision(database_url)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerDatabase(
            f"the database is at schema revision {found!r}, which this version of Keraforge does not know"
            f" (its newest is {migrations.HEAD!r}); start the version that made it, or a newer one"
        )
    if found != migrations.HEAD:
        command.upgrade(config, "head")


def schema_revision(database_url: str) -> str | None:
    """Return the revision that the database is at, or None if it is empty."""
    database = Database(database_url)
    try:
        with database.read() as session:
            if not inspect(session.connection()).has_table("alembic_version"):
                return None
            revision: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
            return revision
    finally:
        database.close()


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it ends with the process, however that ends."""
    with lock_file.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
