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


class WrongSchema(Exception):
    """The database's schema is not the one that this version of Keraforge works with."""


class NewerDatabase(WrongSchema):
    """The database was migrated by a newer version of Keraforge than this one."""


class OlderDatabase(WrongSchema):
    """The database was not migrated to this version of Keraforge yet."""


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
    found = schema_revision(database_url)
    _refuse_newer(found)
    if found != migrations.HEAD:
        command.upgrade(alembic_config(database_url), "head")


def check_schema(database_url: str) -> None:
    """Raise a :class:`WrongSchema` that says what to do, unless the database is at the newest revision."""
    found = schema_revision(database_url)
    _refuse_newer(found)
    if found != migrations.HEAD:
        state = "is empty" if found is None else f"is at schema revision {found!r}"
        raise OlderDatabase(
            f"the database {state}, and this version of Keraforge needs {migrations.HEAD!r};"
            " run `keraforge migrate` first"
        )


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


def _refuse_newer(found: str | None) -> None:
    if found is not None and not _is_known(found):
        raise NewerDatabase(
            f"the database is at schema revision {found!r}, which this version of Keraforge does not know"
            f" (its newest is {migrations.HEAD!r}); start the version that made it, or a newer one"
        )


def _is_known(revision: str) -> bool:
    """Return whether a revision is one of this version's; one that is not was made by a newer version."""
    scripts = ScriptDirectory.from_config(alembic_config("")).walk_revisions()
    return revision in {script.revision for script in scripts}


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it ends with the process, however that ends."""
    with lock_file.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
