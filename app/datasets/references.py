"""References to dataset versions in bodies: ``name`` for the latest usable one, or ``name@number``."""

from sqlalchemy.orm import Session

from app.datasets import repository
from app.errors import FieldError, Invalid
from app.fields import split_reference
from app.tables import DatasetVersion


def named_version(
    session: Session, owner: str, reference: str, *, place: str = "/dataset", lock: bool = False
) -> DatasetVersion:
    """Return the version that a body names in the field at ``place``; it is being read, or ready.

    ``lock`` keeps its state as it is until the transaction ends.
    """
    name, number = split_reference(reference)
    dataset = repository.find(session, owner, name)
    if dataset is None:
        raise _refused(
            f"There is no dataset {name}. Create it with POST /api/v1/datasets.", "not_found", place
        )
    if number is None:
        usable = (row for row in repository.versions(session, dataset) if row.state != "invalid")
        version = next(usable, None)
    else:
        version = repository.find_version(session, dataset, number)
    if version is not None and lock:
        repository.lock_versions(session, [version])
    if version is None or version.deleted_at is not None:
        wanted = "version that can be used" if number is None else f"version {number}"
        raise _refused(f"The dataset {name} has no {wanted}. Upload one to it first.", "not_found", place)
    if version.state == "invalid":
        address = f"/api/v1/datasets/{name}/versions/{version.number}"
        raise _refused(
            f"{name}@{version.number} could not be read; GET {address} says why.", "invalid", place
        )
    return version


def _refused(message: str, code: str, place: str) -> Invalid:
    return Invalid(message, errors=[FieldError(place, code, message)])
