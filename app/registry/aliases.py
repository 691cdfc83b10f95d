"""Aliases: moved by people, pinned where they put them, and rolled back along their history."""

from sqlalchemy.orm import Session

from app.conditional import require_match
from app.errors import Conflict, FieldError, Invalid, NotFound, shortened
from app.fields import ALIAS_PATTERN, matches
from app.registry import repository
from app.registry.compatibility import changes
from app.registry.measures import require_not_worse
from app.registry.schemas import AliasMove, AliasRead, AliasUpdate
from app.registry.service import get
from app.tables import Alias, AliasEvent, ModelVersion, RegisteredModel
from app.tables.base import now
from models.signature import Signature

SHOWN_MOVES = 50
ROLLBACK = "rollback"


def read(session: Session, owner: str, name: str, alias: str) -> AliasRead:
    """Return where an alias points, and its latest moves."""
    model = get(session, owner, name)
    return _described(session, model, _get(session, model, alias))


def tag(alias: AliasRead) -> str:
    """Return the entity tag of an alias."""
    return f'"v{alias.revision}"'


def point(
    session: Session,
    owner: str,
    name: str,
    alias: str,
    body: AliasUpdate,
    *,
    actor: str,
    if_match: str | None,
) -> AliasRead:
    """Point an alias at a version and pin it there; a new alias is made.

    Raises:
        Conflict: ``signature_changed``, where callers would have to change what they send or read; and what
            :func:`~app.registry.measures.require_not_worse` raises, if the body asks for that.
    """
    if not matches(ALIAS_PATTERN, alias):
        raise Invalid(
            f"The name {shortened(alias)} cannot be an alias: expected lower-case letters, digits, dots, "
            "dashes and underscores, at most 63, not all digits.",
            errors=[FieldError("alias", "invalid_name", "not a name for an alias")],
        )
    model = get(session, owner, name, lock=True)
    version = repository.find_version(session, model, body.version)
    if version is None:
        raise Invalid(
            f"The model {name} has no version {body.version}.",
            errors=[FieldError("/version", "not_found", "no such version")],
        )
    present = repository.find_alias(session, model, alias)
    require_match(if_match, "" if present is None else tag(_described(session, model, present)))
    if body.not_worse_on is not None and present is not None:
        require_not_worse(session, present.version, version, body.not_worse_on)
    return _move(session, model, alias, present, version, actor=actor, reason="moved", force=body.force)


def earlier(session: Session, owner: str, name: str, alias: str) -> int:
    """Return where a rollback of an alias would point it: the nearest version before that is still there."""
    model = get(session, owner, name)
    _get(session, model, alias)
    return _earlier(session, model, alias).number


def rollback(
    session: Session, owner: str, name: str, alias: str, *, expected: int, actor: str, force: bool
) -> AliasRead:
    """Point an alias where it pointed before its last move; rolling back again goes further back.

    Raises:
        Conflict: that is no longer the ``expected`` version, the one that was seen to answer.
    """
    model = get(session, owner, name, lock=True)
    present = _get(session, model, alias)
    version = _earlier(session, model, alias)
    if version.number != expected:
        raise Conflict(
            f"The alias {alias} was moved while version {expected} was checked. Look where it points now.",
            code="alias_moved",
        )
    return _move(session, model, alias, present, version, actor=actor, reason=ROLLBACK, force=force)


def remove(session: Session, owner: str, name: str, alias: str, *, actor: str, if_match: str | None) -> None:
    """Delete an alias; its history stays."""
    model = get(session, owner, name, lock=True)
    present = _get(session, model, alias)
    require_match(if_match, tag(_described(session, model, present)))
    _remember(session, present, None, actor=actor, reason="removed")
    session.delete(present)


def _get(session: Session, model: RegisteredModel, alias: str) -> Alias:
    found = repository.find_alias(session, model, alias)
    if found is None:
        raise NotFound(
            f"The model {model.name} has no alias {shortened(alias)}. "
            f"GET /api/v1/models/{model.name} lists them."
        )
    return found


def _move(
    session: Session,
    model: RegisteredModel,
    name: str,
    alias: Alias | None,
    version: ModelVersion,
    *,
    actor: str,
    reason: str,
    force: bool,
) -> AliasRead:
    if alias is None:
        alias = Alias(model_id=model.id, name=name, version=version, pinned=True, moved_at=now(), revision=1)
        session.add(alias)
        session.add(_event(alias, None, version.number, actor=actor, reason=reason))
    else:
        if not force:
            _require_same_signature(alias.version, version)
        _remember(session, alias, version, actor=actor, reason=reason)
        alias.version, alias.pinned = version, True
        alias.moved_at, alias.revision = now(), alias.revision + 1
    session.flush()
    return _described(session, model, alias)


def _require_same_signature(present: ModelVersion, version: ModelVersion) -> None:
    differences = changes(
        Signature.model_validate(present.signature), Signature.model_validate(version.signature)
    )
    if differences:
        raise Conflict(
            f"Version {version.number} is called in another way than version {present.number}: "
            f'{"; ".join(differences)}. Send "force": true if callers are ready for it.',
            code="signature_changed",
            extra={"changes": differences},
        )


def _earlier(session: Session, model: RegisteredModel, alias: str) -> ModelVersion:
    for number in _steps(session, model, alias):
        version = repository.find_version(session, model, number)
        if version is not None:
            return version
    raise Conflict(
        f"The alias {alias} has pointed nowhere else before, or only at versions that were deleted.",
        code="nothing_to_roll_back",
    )


def _steps(session: Session, model: RegisteredModel, alias: str) -> list[int]:
    """Return the versions to roll back to, the nearest first: moves were steps, rollbacks took one back."""
    steps: list[int] = []
    for event in reversed(repository.moves(session, model, alias)):
        if event.reason == ROLLBACK:
            while steps and steps[-1] != event.to_version:
                steps.pop()
        elif event.to_version is None:
            steps = []
        elif not steps or steps[-1] != event.to_version:
            steps.append(event.to_version)
    return steps[-2::-1]


def _remember(
    session: Session, alias: Alias, version: ModelVersion | None, *, actor: str, reason: str
) -> None:
    target = None if version is None else version.number
    session.add(_event(alias, alias.version.number, target, actor=actor, reason=reason))


def _event(alias: Alias, before: int | None, after: int | None, *, actor: str, reason: str) -> AliasEvent:
    return AliasEvent(
        model_id=alias.model_id,
        alias=alias.name,
        from_version=before,
        to_version=after,
        actor=actor,
        reason=reason,
    )


def _described(session: Session, model: RegisteredModel, alias: Alias) -> AliasRead:
    return AliasRead(
        model=model.name,
        alias=alias.name,
        version=alias.version.number,
        pinned=alias.pinned,
        moved_at=alias.moved_at,
        revision=alias.revision,
        history=[
            AliasMove.model_validate(move, from_attributes=True)
            for move in repository.moves(session, model, alias.name, SHOWN_MOVES)
        ],
    )
