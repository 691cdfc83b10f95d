"""New versions: where they come from, and the job that reads them."""

from typing import Any

from sqlalchemy.orm import Session

from app.datasets import repository
from app.errors import FieldError, Invalid
from app.identifiers import new_id
from app.jobs.queueing import queue
from app.tables import Dataset, DatasetVersion
from models.reading.options import ReadingOptions


def add_version(
    session: Session, dataset: Dataset, source: dict[str, Any], options: ReadingOptions
) -> tuple[DatasetVersion, bool]:
    """Queue the reading of a new version; or return, with False, the one that was read from the same.

    ``dataset`` is locked or new, so that its versions are numbered one after another.
    """
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


def known_source(session: Session, owner: str, content: str) -> dict[str, Any]:
    """Return the source of bytes that were uploaded before, named ``sha256:…``."""
    source = repository.source_of_content(session, owner, content.removeprefix("sha256:"))
    if source is None:
        raise Invalid(
            "No upload of yours has this digest. Upload the file instead.",
            errors=[FieldError("/content", "not_found", "unknown digest")],
        )
    return source
