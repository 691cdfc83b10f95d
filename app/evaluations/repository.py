"""Queries about evaluations: jobs that name the version that they examine."""

from collections.abc import Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, selectinload

from app.tables import DatasetVersion, Job, ModelVersion


def page(session: Session, version: ModelVersion, *, before: str | None, limit: int) -> Sequence[Job]:
    """Return the evaluations of a version, the newest first, from the one after ``before`` on."""
    query = _of(version)
    if before is not None:
        query = query.where(Job.id < before)
    query = query.options(selectinload(Job.dataset_version)).order_by(Job.id.desc())
    return session.scalars(query.limit(limit)).all()


def find(session: Session, version: ModelVersion, job_id: str) -> Job | None:
    """Return one evaluation of a version."""
    return session.scalar(_of(version).where(Job.id == job_id))


def newest_on(session: Session, version: ModelVersion, dataset: DatasetVersion) -> Job | None:
    """Return the newest evaluation of a version that has succeeded on these very rows."""
    same = DatasetVersion.id == dataset.id
    if dataset.digest is not None:
        same = or_(same, DatasetVersion.digest == dataset.digest)
    query = _of(version).join(DatasetVersion, DatasetVersion.id == Job.dataset_version_id)
    query = query.where(same, Job.state == "succeeded").order_by(Job.id.desc())
    return session.scalars(query.limit(1)).first()


def _of(version: ModelVersion) -> Select[Job]:
    # By the name too, for which there is an index.
    return select(Job).where(
        Job.kind == "evaluation",
        Job.model == version.model.name,
        Job.model_version_id == version.id,
        Job.deleted_at.is_(None),
    )
