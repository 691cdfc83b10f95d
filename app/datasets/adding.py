"""New datasets and versions: where they come from, and the job that reads them."""

from typing import Any, cast

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.datasets import repository
from app.datasets.schemas import DatasetCreate, UploadQuery, VersionCreate
from app.datasets.service import get
from app.errors import Conflict, FieldError, Invalid
from app.identifiers import new_id
from app.jobs.queueing import queue
from app.storage import Stored
from app.tables import Dataset, DatasetVersion
from models.reading.catalogue import BUILTIN_KINDS, BuiltinName
from models.reading.options import ReadingOptions
from models.schema import Kind


def create(session: Session, owner: str, body: DatasetCreate) -> Dataset:
    """Create a dataset; with a built-in, its first version is queued to be read."""
    dataset = Dataset(id=new_id("dataset"), owner=owner, name=body.name, kind=body.kind)
    try:
        with session.begin_nested():
            session.add(dataset)
    except IntegrityError:
        raise Conflict(
            f"There is a dataset {body.name} already. Add a version to it, or choose another name.",
            code="name_taken",
        ) from None
    if body.builtin is not None:
        add_version(session, dataset, {"builtin": body.builtin}, body.options or ReadingOptions())
    return dataset


def add_known(session: Session, owner: str, name: str, body: VersionCreate) -> tuple[DatasetVersion, bool]:
    """Add a version of a built-in dataset, or of bytes that were uploaded before."""
    dataset = get(session, owner, name, lock=True)
    if body.builtin is not None:
        _require_kind(dataset, body.builtin)
        return add_version(session, dataset, {"builtin": body.builtin}, body.options)
    assert body.content is not None, "the schema asks for one of the two"
    source = repository.source_of_content(session, owner, body.content.removeprefix("sha256:"))
    if source is None:
        raise Invalid(
            "No upload of yours has this digest. Upload the file instead.",
            errors=[FieldError("/content", "not_found", "unknown digest")],
        )
    return add_version(session, dataset, source, body.options)


def add_upload(
    session: Session, owner: str, name: str, stored: Stored, query: UploadQuery
) -> tuple[DatasetVersion, bool]:
    """Add a version of a file that is in the store now."""
    source = {"sha256": stored.sha256, "bytes": stored.bytes, "filename": query.filename}
    return add_version(session, get(session, owner, name, lock=True), source, query.options())


def add_version(
    session: Session, dataset: Dataset, source: dict[str, Any], options: ReadingOptions
) -> tuple[DatasetVersion, bool]:
    """Queue the reading of a new version; or return, with False, the one that was read from the same.

    ``dataset`` is locked or new, so that its versions are numbered one after another.
    """
    _require_fitting(dataset, options)
    chosen = options.model_dump(mode="json")
    existing = repository.equal_version(session, dataset, source, chosen)
    if existing is not None:
        return existing, False
    version = DatasetVersion(
        id=new_id("dsv"),
        owner=dataset.owner,
        dataset=dataset,
        number=repository.next_number(session, dataset),
        state="reading",
        source=source,
        options=chosen,
    )
    session.add(version)
    session.flush()
    queue(
        session,
        "reading",
        dataset.owner,
        dataset_version_id=version.id,
        request={"dataset_version": version.id},
    )
    return version, True


def _require_fitting(dataset: Dataset, options: ReadingOptions) -> None:
    misplaced = options.misplaced(cast(Kind, dataset.kind))
    if misplaced:
        raise Invalid(
            "; ".join(misplaced.values()) + ".",
            errors=[FieldError(f"/options/{name}", "not_for_kind", why) for name, why in misplaced.items()],
        )


def _require_kind(dataset: Dataset, builtin: BuiltinName) -> None:
    kind = BUILTIN_KINDS[builtin]
    if kind != dataset.kind:
        why = f"{builtin} is a dataset of the kind {kind}, but {dataset.name} is one of {dataset.kind}"
        raise Invalid(f"{why}.", errors=[FieldError("/builtin", "not_for_kind", why)])
