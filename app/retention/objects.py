"""Files of the store that no row names: what uploads and jobs left that ended before their transaction."""

import re
from collections.abc import Iterator
from functools import partial

from sqlalchemy import JSON, Text, cast, func, not_, select

from app.retention.emptying import due
from app.retention.garbage import Garbage, Site
from app.trash.repository import TABLES, Thrown

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
BATCH = 1000


def look(site: Site, *, planning: bool) -> Iterator[Garbage]:
    """Yield the files that have been in the store for a day and that no row names.

    Names are read when the trash was emptied, or when ``planning`` as if it were. Who adds a file after that
    makes it young, if it was there already; who names one without adding it needs a row that names it, of
    which there is none.
    """
    named = named_digests(site, planning=planning)
    horizon = site.horizon.timestamp()
    for entry in site.store.listed():
        if entry.sha256 not in named and entry.written_at < horizon:
            remove = partial(site.store.discard, entry.sha256, horizon)
            yield Garbage("object", entry.sha256, "no row names it", entry.bytes, remove)


def named_digests(site: Site, *, planning: bool) -> set[str]:
    """Return all digests that stand anywhere in what can be deleted; those too that are of no file."""
    found: set[str] = set()
    for table in TABLES.values():
        for text in _texts(site, table, planning=planning):
            found.update(_DIGEST.findall(text))
    return found


def _texts(site: Site, table: type[Thrown], *, planning: bool) -> Iterator[str]:
    """Yield what the JSON columns of all rows say, but for rows that are to be emptied when planning."""
    columns = [column for column in table.__table__.columns if isinstance(column.type, JSON)]
    if not columns:
        return
    query = select(table.id, *(func.coalesce(cast(column, Text), "") for column in columns))
    if planning:
        query = query.where(not_(due(site, table)))
    last = ""
    while True:
        with site.database.read() as session:
            rows = session.execute(query.where(table.id > last).order_by(table.id).limit(BATCH)).all()
        if not rows:
            return
        for row in rows:
            yield " ".join(row[1:])
        last = rows[-1][0]
