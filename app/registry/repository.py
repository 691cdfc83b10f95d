"""Queries about models, their versions and their aliases."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from app.jobs.states import ACTIVE
from app.tables import Alias, AliasEvent, DatasetVersion, Job, ModelVersion, RegisteredModel


def find(session: Session, owner: str, name: str, *, lock: bool = False) -> RegisteredModel | None:
    """Return the model; ``lock`` makes others wait who would move its aliases or publish to it."""
    query = select(RegisteredModel).where(
        RegisteredModel.owner == owner,
        RegisteredModel.name == name,
        RegisteredModel.deleted_at.is_(None),
    )
    return session.scalar(query.with_for_update() if lock else query)


def page(session: Session, owner: str, *, after: str | None, limit: int) -> Sequence[RegisteredModel]:
    """Return models by name, from the one after ``after`` on."""
    query = select(RegisteredModel).where(
        RegisteredModel.owner == owner, RegisteredModel.deleted_at.is_(None)
    )
    if after is not None:
        query = query.where(RegisteredModel.name > after)
    return session.scalars(query.order_by(RegisteredModel.name).limit(limit)).all()


def find_version(session: Session, model: RegisteredModel, number: int) -> ModelVersion | None:
    """Return one version, unless it was deleted."""
    query = select(ModelVersion).where(
        ModelVersion.model_id == model.id,
        ModelVersion.number == number,
        ModelVersion.deleted_at.is_(None),
    )
    return session.scalar(query)


def versions(
    session: Session, model: RegisteredModel, *, before: int | None = None, limit: int | None = None
) -> Sequence[ModelVersion]:
    """Return the versions of a model, the newest first."""
    query = select(ModelVersion).where(ModelVersion.model_id == model.id, ModelVersion.deleted_at.is_(None))
    if before is not None:
        query = query.where(ModelVersion.number < before)
    return session.scalars(query.order_by(ModelVersion.number.desc()).limit(limit)).all()


def users(session: Session, version_ids: Collection[str]) -> list[str]:
    """Return the addresses of the jobs, not over yet, that evaluate these versions or start from them."""
    evaluating = select(Job.id).where(
        Job.kind == "evaluation", Job.state.in_(ACTIVE), Job.model_version_id.in_(version_ids)
    )
    starts_from = Job.resolved["start_from"]["id"].as_string()
    training = select(Job.id).where(
        Job.kind == "training", Job.state.in_(ACTIVE), starts_from.in_(version_ids)
    )
    found = session.scalars(union_all(evaluating, training)).all()
    return [f"/api/v1/jobs/{job}" for job in sorted(found)]


def latest(session: Session, model_ids: Collection[str]) -> dict[str, tuple[ModelVersion, int]]:
    """Return the latest version of each model that has one, and how many it has."""
    newest = (
        select(
            ModelVersion.model_id,
            func.max(ModelVersion.number).label("number"),
            func.count().label("count"),
        )
        .where(ModelVersion.model_id.in_(model_ids), ModelVersion.deleted_at.is_(None))
        .group_by(ModelVersion.model_id)
        .subquery()
    )
    query = select(ModelVersion, newest.c.count).join(
        newest,
        (ModelVersion.model_id == newest.c.model_id) & (ModelVersion.number == newest.c.number),
    )
    return {version.model_id: (version, count) for version, count in session.execute(query)}


def dataset_versions(session: Session, versions: Collection[ModelVersion]) -> dict[str, DatasetVersion]:
    """Return the dataset versions that these versions were trained on, by id."""
    ids = {version.dataset_version_id for version in versions}
    query = select(DatasetVersion).where(DatasetVersion.id.in_(ids))
    return {version.id: version for version in session.scalars(query)}


def aliases(session: Session, model_ids: Collection[str]) -> Sequence[Alias]:
    """Return all aliases of these models, by name."""
    return session.scalars(select(Alias).where(Alias.model_id.in_(model_ids)).order_by(Alias.name)).all()


def find_alias(session: Session, model: RegisteredModel, name: str) -> Alias | None:
    """Return one alias."""
    return session.scalar(select(Alias).where(Alias.model_id == model.id, Alias.name == name))


def moves(
    session: Session, model: RegisteredModel, alias: str, limit: int | None = None
) -> Sequence[AliasEvent]:
    """Return the moves of an alias, the newest first."""
    query = select(AliasEvent).where(AliasEvent.model_id == model.id, AliasEvent.alias == alias)
    return session.scalars(query.order_by(AliasEvent.id.desc()).limit(limit)).all()
