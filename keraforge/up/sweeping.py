"""Collecting what is of no use any more, on this machine and in the database of the settings."""

from collections.abc import Iterator
from contextlib import closing

from app import prepare
from app.database import Database
from app.retention import collecting
from app.retention.garbage import Garbage, Site
from app.settings import Settings
from app.storage import open_store
from keraforge.up.refusals import said_in_one_line


def collect(settings: Settings, *, remove: bool) -> Iterator[Garbage]:
    """Yield what is of no use any more; with ``remove``, what is gone.

    Raises:
        CannotStart: the folder or the database is not to be had, or it is not migrated.
    """
    with said_in_one_line(settings.data_dir):
        prepare.check(settings)
        with closing(Database(settings.resolved_database_url)) as database:
            site = Site(settings, database, open_store(settings))
            yield from collecting.run(site) if remove else collecting.plan(site)
