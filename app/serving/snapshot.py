"""What can be asked for: every version by number, and where every alias points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.errors import NotFound, shortened
from app.tables.alias import Alias
from app.tables.model import RegisteredModel
from app.tables.model_version import ModelVersion

CHAMPION = "champion"
# So many numbers and aliases are shown to somebody who asked for another.
OFFERED = 10


class Target(NamedTuple):
    """What a request names: an owner's model, and a version's number or an alias."""

    owner: str | None
    name: str
    which: int | str = CHAMPION


@dataclass(frozen=True)
class Snapshot:
    """The registry at one moment: when each model was made, and the identifier of each version."""

    models: Mapping[tuple[str | None, str], datetime] = field(default_factory=dict)
    targets: Mapping[Target, str] = field(default_factory=dict)

    def aliases(self) -> dict[Target, str]:
        """Return the targets that can move."""
        return {target: version for target, version in self.targets.items() if isinstance(target.which, str)}

    def numbers(self, target: Target) -> list[int]:
        """Return the numbers of the versions that a target means: for a model as such, of all of them."""
        meant = self.targets.get(target)
        return sorted(
            other.which
            for other, version in self.targets.items()
            if isinstance(other.which, int)
            and other[:2] == target[:2]
            and (target.which == CHAMPION or version == meant)
        )

    def ids(self, target: Target) -> list[str]:
        """Return the identifiers of the versions that :meth:`numbers` names."""
        return [self.targets[target._replace(which=number)] for number in self.numbers(target)]

    def missing(self, target: Target) -> NotFound:
        """Return what to tell somebody who asked for a target that is not there."""
        name, which = shortened(target.name), target.which
        if target[:2] not in self.models:
            return NotFound(
                f"There is no model {name}. GET /api/v1/models lists the models.", code="model_not_found"
            )
        present = sorted(
            (other.which for other in self.targets if other[:2] == target[:2]),
            key=lambda which: (isinstance(which, str), which),
        )
        offered = f"It has {', '.join(map(str, present[:OFFERED]))}" if present else "It has no version yet"
        more = " and others" if len(present) > OFFERED else ""
        kind = "version" if isinstance(which, int) else "alias"
        return NotFound(
            f"Model {name} has no {kind} {shortened(which)}. {offered}{more}.", code=f"{kind}_not_found"
        )


def read_snapshot(session: Session) -> Snapshot:
    """Read the whole registry with one query over narrow columns."""
    rows = session.execute(
        select(
            RegisteredModel.owner,
            RegisteredModel.name,
            RegisteredModel.created_at,
            ModelVersion.number,
            ModelVersion.id,
            Alias.name,
        )
        .select_from(RegisteredModel)
        .outerjoin(
            ModelVersion,
            and_(ModelVersion.model_id == RegisteredModel.id, ModelVersion.deleted_at.is_(None)),
        )
        .outerjoin(Alias, Alias.version_id == ModelVersion.id)
        .where(RegisteredModel.deleted_at.is_(None))
    )
    models: dict[tuple[str | None, str], datetime] = {}
    targets: dict[Target, str] = {}
    for owner, name, created_at, number, version, alias in rows:
        models[owner, name] = created_at
        if number is not None:
            targets[Target(owner, name, number)] = version
        if alias is not None:
            targets[Target(owner, name, alias)] = version
    return Snapshot(models, targets)
