"""Queries about datasets, their versions, and what refers to them."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jobs.states import ACTIVE
from app.tables import Dataset, DatasetVersion, Job, ModelVersion


def find(session: Session, owner: str, name: str, *, lock: bool = False) -> Dataset | None:
    """Return the dataset; ``lock`` makes others wait who would add a version to it."""
    query = select(Dataset).where(Dataset.owner == owner, Dataset.name == name, Dataset.deleted_at.is_(None))
    return session.scalar(query.with_for_update() if lock else query)


def page(session: Session, owner: str, *, after: str | None, limit: int) -> Sequence[Dataset]:
    """Return datasets by name, from the one after ``after`` on."""
    query = select(Dataset).where(Dataset.owner == owner, Dataset.deleted_at.is_(None))
    if after is not None:
        query = query.where(Dataset.name > after)
    return session.scalars(query.order_by(Dataset.name).limit(limit)).all()


def find_version(session: Session, dataset: Dataset, number: int) -> DatasetVersion | None:
    """Return one version, unless it was deleted."""
    query = select(DatasetVersion).where(
        DatasetVersion.dataset_id == dataset.id,
        DatasetVersion.number == number,
        DatasetVersion.deleted_at.is_(None),
    )
    return session.scalar(query)


def lock_versions(session: Session, versions: Collection[DatasetVersion]) -> None:
    """Let nobody else change these versions, or begin to use them, and show them as they are now."""
    query = select(DatasetVersion).where(DatasetVersion.id.in_([version.id for version in versions]))
    session.scalars(
        query.order_by(DatasetVersion.id)
        .with_for_update(of=DatasetVersion)
        .execution_options(populate_existing=True)
    ).all()


def versions(
    session: Session, dataset: Dataset, *, before: int | None = None, limit: int | None = None
) -> Sequence[DatasetVersion]:
    """Return the versions of a dataset, the newest first."""
    query = select(DatasetVersion).where(
        DatasetVersion.dataset_id == dataset.id, DatasetVersion.deleted_at.is_(None)
    )
    if before is not None:
        query = query.where(DatasetVersion.number < before)
    return session.scalars(query.order_by(DatasetVersion.number.desc()).limit(limit)).all()


def latest(session: Session, dataset_ids: Collection[str]) -> dict[str, DatasetVersion]:
    """Return the latest version of each dataset that has one."""
    newest = (
        select(DatasetVersion.dataset_id, func.max(DatasetVersion.number).label("number"))
        .where(DatasetVersion.dataset_id.in_(dataset_ids), DatasetVersion.deleted_at.is_(None))
        .group_by(DatasetVersion.dataset_id)
        .subquery()
    )
    query = select(DatasetVersion).join(
        newest,
        (DatasetVersion.dataset_id == newest.c.dataset_id) & (DatasetVersion.number == newest.c.number),
    )
    return {version.dataset_id: version for version in session.scalars(query)}


def next_number(session: Session, dataset: Dataset) -> int:
    """Return the number of the next version; numbers of deleted ones are not given again."""
    query = select(func.max(DatasetVersion.number)).where(DatasetVersion.dataset_id == dataset.id)
    return (session.scalar(query) or 0) + 1


def equal_version(
    session: Session, dataset: Dataset, source: dict[str, Any], options: dict[str, Any]
) -> DatasetVersion | None:
    """Return the usable version that was read from the same bytes in the same way, if there is one."""
    key = "builtin" if "builtin" in source else "sha256"
    query = select(DatasetVersion).where(
        DatasetVersion.dataset_id == dataset.id,
        DatasetVersion.deleted_at.is_(None),
        DatasetVersion.state.in_(("reading", "ready")),
        DatasetVersion.source[key].as_string() == source[key],
    )
    same = [row for row in session.scalars(query.order_by(DatasetVersion.number)) if row.options == options]
    return same[0] if same else None


def source_of_content(session: Session, owner: str, sha256: str) -> dict[str, Any] | None:
    """Return what is known of bytes that ``owner`` uploaded before; they stay as long as the transaction."""
    query = select(DatasetVersion.source).where(
        DatasetVersion.owner == owner, DatasetVersion.source["sha256"].as_string() == sha256
    )
    # Locked, so that the trash is emptied either before this, and they are not found, or after it.
    return session.scalars(query.limit(1).with_for_update()).first()


def reading_jobs(session: Session, version_ids: Collection[str]) -> dict[str, str]:
    """Return the id of the job that reads, or has read, each version."""
    query = select(Job.dataset_version_id, Job.id).where(
        Job.kind == "reading", Job.dataset_version_id.in_(version_ids)
    )
    return {version_id: job_id for version_id, job_id in session.execute(query) if version_id}


def users(session: Session, version_ids: Collection[str]) -> list[str]:
    """Return the addresses of the unfinished jobs and of the model versions that refer to these versions."""
    jobs = select(Job.id).where(Job.dataset_version_id.in_(version_ids), Job.state.in_(ACTIVE))
    published = select(ModelVersion).where(
        ModelVersion.dataset_version_id.in_(version_ids), ModelVersion.deleted_at.is_(None)
    )
    return [f"/api/v1/jobs/{job_id}" for job_id in session.scalars(jobs)] + [
        f"/api/v1/models/{version.model.name}/versions/{version.number}"
        for version in session.scalars(published)
    ]
