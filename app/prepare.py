"""What must stand before the first process starts: folders, the database's schema, the first key."""

from app.migrating import migrate
from app.settings import Settings
from app.storage import Store

LOCK_FILE = "prepare.lock"


def prepare(settings: Settings) -> None:
    """Make the data folder usable; safe to run again, and by several processes at once.

    Raises :class:`app.migrating.NewerDatabase` where the database belongs to a newer version.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    Store(settings.data_dir).prepare()
    migrate(settings.resolved_database_url, settings.data_dir / LOCK_FILE)
