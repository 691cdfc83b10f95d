"""Queries about what is in the trash."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, and_, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from app.tables import Dataset, DatasetVersion, Job, ModelVersion, RegisteredModel
from app.tables.base import Deletable
from app.trash.schemas import Kind

Thrown = Dataset | DatasetVersion | RegisteredModel | ModelVersion | Job
TABLES: Mapping[Kind, type[Thrown]] = {
    "dataset": Dataset,
    "dataset_version": DatasetVersion,
    "model": RegisteredModel,
    "model_version": ModelVersion,
    "job": Job,
}


class Line(NamedTuple):
    """One line of the list; ``number`` is that of a version."""

    kind: Kind
    id: str
    name: str
    number: int | None
    deleted_at: datetime


def page(
    session: Session, owner: str, kinds: Collection[Kind], before: tuple[datetime, str] | None, limit: int
) -> Sequence[Line]:
    """Return what ``owner`` deleted, the latest first; versions whose dataset or model is gone go with it."""
    found = union_all(*(_query(kind).where(TABLES[kind].owner == owner) for kind in kinds)).subquery()
    query = select(found)
    if before is not None:
        moment, key = before
        query = query.where(
            or_(found.c.deleted_at < moment, and_(found.c.deleted_at == moment, found.c.id < key))
        )
    ordered = query.order_by(found.c.deleted_at.desc(), found.c.id.desc()).limit(limit)
    return [Line(*row) for row in session.execute(ordered)]


def find(session: Session, owner: str, key: str, kinds: Collection[Kind]) -> Thrown | None:
    """Return what has this identifier and is in the trash, locked."""
    for kind in kinds:
        table = TABLES[kind]
        query = select(table).where(table.id == key, table.owner == owner, in_trash(table))
        found = session.scalar(query.with_for_update(of=table).execution_options(populate_existing=True))
        if found is not None:
            return cast(Thrown, found)
    return None


def versions_of(
    session: Session, parent: Dataset | RegisteredModel
) -> Sequence[DatasetVersion | ModelVersion]:
    """Return all versions that are in the trash of a dataset or a model, locked."""
    if isinstance(parent, Dataset):
        datasets = select(DatasetVersion).where(DatasetVersion.dataset_id == parent.id)
        return session.scalars(
            datasets.where(in_trash(DatasetVersion)).with_for_update(of=DatasetVersion)
        ).all()
    models = select(ModelVersion).where(ModelVersion.model_id == parent.id)
    return session.scalars(models.where(in_trash(ModelVersion)).with_for_update(of=ModelVersion)).all()


def in_trash(table: type[Deletable]) -> Any:
    """Return the condition that a row was deleted and not yet emptied."""
    return and_(table.deleted_at.is_not(None), table.purged_at.is_(None))


def _query(kind: Kind) -> Select[Any]:
    table = TABLES[kind]
    query = select(literal(kind).label("kind"), table.id, _name(kind), _number(kind), table.deleted_at)
    if table is DatasetVersion:
        query = query.join(Dataset, DatasetVersion.dataset_id == Dataset.id).where(
            Dataset.deleted_at.is_(None)
        )
    if table is ModelVersion:
        query = query.join(RegisteredModel, ModelVersion.model_id == RegisteredModel.id)
        query = query.where(RegisteredModel.deleted_at.is_(None))
    return query.where(in_trash(table))


def _name(kind: Kind) -> Any:
    names: dict[Kind, Any] = {
        "dataset": Dataset.name,
        "dataset_version": Dataset.name,
        "model": RegisteredModel.name,
        "model_version": RegisteredModel.name,
        "job": func.coalesce(Job.model, Job.kind),
    }
    return names[kind].label("name")


def _number(kind: Kind) -> Any:
    numbers: dict[Kind, Any] = {
        "dataset_version": DatasetVersion.number,
        "model_version": ModelVersion.number,
    }
    return numbers.get(kind, null()).label("number")
