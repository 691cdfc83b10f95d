"""Promotion: whether a version that a job has just published becomes the model's ``champion``."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.registry.compatibility import changes
from app.registry.measures import measure_of
from app.tables import Alias, AliasEvent, Job, ModelVersion
from app.tables.base import now
from models.signature import Signature

CHAMPION = "champion"


@dataclass(frozen=True)
class Decision:
    """What was done with the alias, in words for the job's log."""

    moved: bool
    message: str
    level: Literal["info", "warning"] = "info"


def promote(session: Session, job: Job, version: ModelVersion) -> Decision:
    """Move ``champion`` to ``version`` if the job's ``promote`` and the alias allow it.

    ``always`` moves it, ``if_better`` only where the report's main figure is better. An alias that a
    person has pinned stays, and so does one whose callers would have to change what they send or read.
    """
    published = f"Published version {version.number} of {job.model}"
    if job.promote == "never":
        return Decision(False, f"{published}; the job asked for no promotion.")
    query = select(Alias).where(Alias.model_id == version.model_id, Alias.name == CHAMPION)
    alias = session.scalar(query.with_for_update(of=Alias))
    if alias is None:
        session.add(Alias(model_id=version.model_id, name=CHAMPION, version_id=version.id))
        _remember(session, job, None, version)
        return Decision(True, f"{published}; it is the {CHAMPION}.")
    present = alias.version
    refusal = _refusal(job, alias, present, version)
    if refusal is not None:
        return Decision(
            False, f"{published}; {CHAMPION} stays at version {present.number}: {refusal}", "warning"
        )
    alias.version = version
    alias.moved_at, alias.revision = now(), alias.revision + 1
    _remember(session, job, present.number, version)
    return Decision(True, f"{published}; it is the {CHAMPION}, in place of version {present.number}.")


def _refusal(job: Job, alias: Alias, present: ModelVersion, version: ModelVersion) -> str | None:
    if alias.pinned:
        return "a person has pinned it there."
    differences = changes(*(Signature.model_validate(it.signature) for it in (present, version)))
    if differences:
        return f"{'; '.join(differences)}. Move the alias with force if callers are ready for it."
    measure = measure_of(present)
    if job.promote != "if_better" or measure is None:
        return None
    old, new = (measure.of(it) for it in (present, version))
    if old is not None and (new is None or not measure.is_better(new, old)):
        return f"its {measure.name} is {_shown(old)}, that of the new one {_shown(new)}."
    return None


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"


def _remember(session: Session, job: Job, before: int | None, version: ModelVersion) -> None:
    session.add(
        AliasEvent(
            model_id=version.model_id,
            alias=CHAMPION,
            from_version=before,
            to_version=version.number,
            actor=job.owner,
            reason=f"published by {job.id}",
        )
    )
    session.flush()
