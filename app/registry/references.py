"""References to versions of models in bodies: ``name@number`` or ``name@alias``."""

from sqlalchemy.orm import Session

from app.errors import FieldError, Invalid
from app.fields import split_version
from app.registry import repository
from app.tables import ModelVersion, RegisteredModel


def referred_version(session: Session, owner: str, reference: str, pointer: str) -> ModelVersion:
    """Return the version that a body names in the field at ``pointer``; Invalid where there is none."""
    name, which = split_version(reference)
    model = repository.find(session, owner, name)
    if model is None:
        raise _refused(pointer, f"There is no model {name}. GET /api/v1/models lists them.")
    version = _version(session, model, which)
    if version is None:
        wanted = f"version {which}" if isinstance(which, int) else f"alias {which}"
        message = f"The model {name} has no {wanted}. GET /api/v1/models/{name} lists what it has."
        raise _refused(pointer, message)
    return version


def _version(session: Session, model: RegisteredModel, which: int | str) -> ModelVersion | None:
    if isinstance(which, int):
        return repository.find_version(session, model, which)
    alias = repository.find_alias(session, model, which)
    return alias.version if alias else None


def _refused(pointer: str, message: str) -> Invalid:
    return Invalid(message, errors=[FieldError(pointer, "not_found", message)])
