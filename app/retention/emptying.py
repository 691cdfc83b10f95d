"""The trash: what has been in it for long enough loses its files, and keeps its name as lineage."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import and_, delete, not_, select
from sqlalchemy.orm import Session

from app.retention.garbage import Garbage, Site
from app.tables import Dataset, DatasetVersion, Event, Job, MetricPoint, ModelVersion, RegisteredModel
from app.tables.base import Deletable
from app.trash.repository import TABLES, Thrown, in_trash, versions_of
from app.trash.schemas import Kind


def look(site: Site) -> Iterator[Garbage]:
    """Yield what has been in the trash for longer than the setting says."""
    for kind in TABLES:
        with site.database.read() as session:
            found = session.execute(_query(site, kind)).all()
        for key, deleted_at in found:
            reason = f"deleted more than {site.settings.trash_days} days ago"
            name = f"{kind} {key}, {deleted_at:%Y-%m-%d}"
            yield Garbage("trash", name, reason, 0, partial(_empty, site, kind, key))


def due(site: Site, table: type[Deletable]) -> Any:
    """Return the condition that a row is in the trash and has been for long enough."""
    latest = site.moment - timedelta(days=site.settings.trash_days)
    return and_(in_trash(table), table.deleted_at <= latest)


def _query(site: Site, kind: Kind) -> Any:
    table = TABLES[kind]
    query = select(table.id, table.deleted_at).where(due(site, table)).order_by(table.id)
    # Versions of what is due go with it.
    if table is DatasetVersion:
        query = query.join(Dataset, DatasetVersion.dataset_id == Dataset.id)
        query = query.where(not_(due(site, Dataset)))
    if table is ModelVersion:
        query = query.join(RegisteredModel, ModelVersion.model_id == RegisteredModel.id)
        query = query.where(not_(due(site, RegisteredModel)))
    return query


def _empty(site: Site, kind: Kind, key: str) -> bool:
    table = TABLES[kind]
    with site.database.write() as session:
        query = select(table).where(table.id == key, due(site, table))
        found = session.scalar(query.with_for_update(of=table))
        if found is None:
            # Somebody has restored it, or emptied it, meanwhile.
            return False
        row = cast(Thrown, found)
        _strip(session, row)
        versions = versions_of(session, row) if isinstance(row, Dataset | RegisteredModel) else []
        for version in versions:
            _strip(session, version)
        for each in (row, *versions):
            each.purged_at = site.moment
    return True


def _strip(session: Session, row: Thrown) -> None:
    """Take away what is large or tells of the data; who names the row as its origin still finds its name."""
    match row:
        case DatasetVersion():
            row.files, row.profile = {}, None
            row.source = {name: value for name, value in row.source.items() if name != "sha256"}
        case ModelVersion():
            row.files = {}
        case Job():
            row.result = {name: value for name, value in (row.result or {}).items() if name != "files"}
            session.execute(delete(Event).where(Event.job_id == row.id))
            session.execute(delete(MetricPoint).where(MetricPoint.job_id == row.id))
