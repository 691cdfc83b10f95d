"""What can be done with datasets that exist: look and delete."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.datasets import repository
from app.datasets.schemas import DatasetRead, VersionRead
from app.errors import Conflict, NotFound, shortened
from app.fields import given_back, original
from app.pagination import Page, PageQuery, cut, decode_cursor
from app.tables import Dataset, DatasetVersion
from app.tables.base import now


def get(session: Session, owner: str, name: str, *, lock: bool = False) -> Dataset:
    """Return the dataset; raises NotFound for an unknown one and for somebody else's."""
    dataset = repository.find(session, owner, name, lock=lock)
    if dataset is None:
        raise NotFound(f"There is no dataset {shortened(name)}. GET /api/v1/datasets lists them.")
    return dataset


def get_version(session: Session, owner: str, name: str, number: int) -> DatasetVersion:
    """Return one version; raises NotFound."""
    version = repository.find_version(session, get(session, owner, name), number)
    if version is None:
        raise NotFound(
            f"The dataset {name} has no version {number}. GET /api/v1/datasets/{name}/versions lists them."
        )
    return version


def page(session: Session, owner: str, query: PageQuery) -> Page[DatasetRead]:
    """Return one page of datasets, by name."""
    after = str(decode_cursor("datasets", query.cursor)) if query.cursor else None
    rows = repository.page(session, owner, after=after, limit=query.limit + 1)
    shown, cursor = cut(rows, query.limit, "datasets", lambda dataset: dataset.name)
    return Page(items=described(session, shown), next_cursor=cursor)


def page_versions(session: Session, owner: str, name: str, query: PageQuery) -> Page[VersionRead]:
    """Return one page of a dataset's versions, the newest first."""
    dataset = get(session, owner, name)
    listing = f"datasets {dataset.id} versions"
    before = int(decode_cursor(listing, query.cursor)) if query.cursor else None
    rows = repository.versions(session, dataset, before=before, limit=query.limit + 1)
    shown, cursor = cut(rows, query.limit, listing, lambda version: version.number)
    return Page(items=described_versions(session, shown), next_cursor=cursor)


def profile(version: DatasetVersion) -> dict[str, Any]:
    """Return what the data of a version that is ready is like."""
    if version.profile is None:
        raise Conflict(
            f"The version is {version.state}; only one that is ready has a profile.",
            extra={"current_state": version.state},
        )
    return version.profile


def delete(session: Session, owner: str, name: str) -> None:
    """Put a dataset with all its versions into the trash; its name is free again."""
    dataset = get(session, owner, name, lock=True)
    versions = repository.versions(session, dataset)
    _require_unused(session, versions, f"The dataset {name}")
    dataset.name, dataset.deleted_at = given_back(dataset.name, dataset.id), now()
    for version in versions:
        version.deleted_at = dataset.deleted_at


def delete_version(session: Session, owner: str, name: str, number: int) -> None:
    """Put one version into the trash; its number is not given again."""
    get(session, owner, name, lock=True)
    version = get_version(session, owner, name, number)
    _require_unused(session, [version], f"Version {number} of the dataset {name}")
    version.deleted_at = now()


def _require_unused(session: Session, versions: Sequence[DatasetVersion], what: str) -> None:
    repository.lock_versions(session, versions)
    used_by = repository.users(session, [version.id for version in versions])
    if used_by:
        raise Conflict(
            f"{what} is in use by {used_by[0]}"
            + (f" and {len(used_by) - 1} more" if len(used_by) > 1 else "")
            + ". Let the jobs end or cancel them, and delete the model versions first.",
            code="in_use",
            extra={"used_by": used_by[:100]},
        )


def described(session: Session, datasets: Sequence[Dataset]) -> list[DatasetRead]:
    """Return what is told of each dataset."""
    newest = repository.latest(session, [dataset.id for dataset in datasets])
    latest = dict(zip(newest, described_versions(session, list(newest.values())), strict=True))
    return [
        DatasetRead(
            name=dataset.name,
            kind=dataset.kind,
            created_at=dataset.created_at,
            latest=latest.get(dataset.id),
            links={
                "self": f"/api/v1/datasets/{dataset.name}",
                "versions": f"/api/v1/datasets/{dataset.name}/versions",
            },
        )
        for dataset in datasets
    ]


def described_versions(session: Session, versions: Sequence[DatasetVersion]) -> list[VersionRead]:
    """Return what is told of each version."""
    jobs = repository.reading_jobs(session, [version.id for version in versions])
    return [_described_version(version, jobs.get(version.id)) for version in versions]


def _described_version(version: DatasetVersion, job: str | None) -> VersionRead:
    name = original(version.dataset.name)
    own = f"/api/v1/datasets/{name}/versions/{version.number}"
    links = {"self": own, "preview": f"{own}/preview"} | ({"job": f"/api/v1/jobs/{job}"} if job else {})
    columns = DatasetVersion.__mapper__.columns
    return VersionRead.model_validate(
        {column.key: getattr(version, column.key) for column in columns}
        | {"dataset": name, "job": job, "links": links}
    )
