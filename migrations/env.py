"""How Alembic runs here: the same for the ``alembic`` command and for :mod:`app.prepare`."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, text

from app.database import create_database_engine
from app.settings import Settings
from app.tables import Base
from app.tables.base import UtcDateTime

# Any number will do, as long as every process that migrates takes the same.
ADVISORY_LOCK = 5_318_008_731


def run() -> None:
    """Run the revisions that Alembic asks for, on the configured database, in one transaction."""
    url = context.config.attributes.get("database_url") or Settings().resolved_database_url
    if context.is_offline_mode():
        _configure(url=url, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = create_database_engine(url).execution_options(sqlite_begin="IMMEDIATE")
    try:
        with engine.connect() as connection:
            _suspend_limits(connection)
            _configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
    finally:
        engine.dispose()


def _configure(**options: object) -> None:
    context.configure(
        target_metadata=Base.metadata,
        render_as_batch=True,
        # SQLite can roll back DDL once the driver leaves transactions to us, as app.database does.
        transactional_ddl=True,
        render_item=_render_item,
        include_name=_is_compared,
        **options,  # type: ignore[arg-type]
    )


def _is_compared(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out the index whose order SQLite does not tell; the table's class does not name it either."""
    return (kind, name) != ("index", "ix_jobs_queue")


def _render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own type as what it is in the database: revisions must not change when the code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _suspend_limits(connection: Connection) -> None:
    """Lift what protects requests but would break a migration, for this connection only."""
    if connection.dialect.name == "sqlite":
        # Altering a table copies and drops it; the drop would delete or refuse rows that refer to it. The
        # PRAGMA is ignored inside a transaction, so it goes to the driver, before SQLAlchemy begins one.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()
        return
    driver: Any = connection.connection.driver_connection
    driver.answer_seconds = None
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


run()
