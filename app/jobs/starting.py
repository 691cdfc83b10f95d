"""Starting from a version: which one a job means, and whether its network can take weights over from it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.errors import FieldError, Invalid
from app.registry.references import referred_version
from app.tables import DatasetVersion, ModelVersion
from models.kinship import Parent
from models.presets import read
from models.schema import DatasetSchema, input_of

_PLACE = "/start_from"


@dataclass(frozen=True)
class Start:
    """A version to start from, and what is known of it."""

    version: ModelVersion
    parent: Parent

    def resolved(self) -> dict[str, Any]:
        """Return what a resolved job says of it: its name, and the row that this meant."""
        return {"version": self.parent.version, "id": self.version.id}


def start_of(session: Session, owner: str, reference: str | None) -> Start | None:
    """Return the version that a job names in ``start_from``; None for none.

    Raises Invalid for a version that is not there or cannot be started from.
    """
    if reference is None:
        return None
    version = referred_version(session, owner, reference, _PLACE)
    name = f"{version.model.name}@{version.number}"
    rows = session.get(DatasetVersion, version.dataset_version_id or "")
    if rows is None or rows.schema is None:
        raise _refused("no_rows", f"Nothing is known any more of the rows that {name} was trained on.")
    specs = read(version.spec["network"], version.spec["training"])
    source = input_of(DatasetSchema.model_validate(rows.schema))
    return Start(version, Parent(name, specs.network, specs.training, source))


def _refused(code: str, message: str) -> Invalid:
    return Invalid(message, errors=[FieldError(_PLACE, code, message)])
