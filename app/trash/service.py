"""What can be done with what was deleted: look, and restore."""

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.fields import original
from app.keys.principal import Principal
from app.pagination import Page, PageQuery, cut, decode_cursor
from app.tables import Dataset, DatasetVersion, ModelVersion, RegisteredModel
from app.trash import repository
from app.trash.schemas import Kind, TrashRead

# Whose keys may see a kind, and with ``write`` restore it.
_GROUPS: dict[Kind, str] = {
    "dataset": "datasets",
    "dataset_version": "datasets",
    "model": "models",
    "model_version": "models",
    "job": "jobs",
}


def page(session: Session, principal: Principal, query: PageQuery, days: int) -> Page[TrashRead]:
    """Return one page of what was deleted, the latest first, of the kinds that the key may read."""
    kinds = _kinds(principal, "read")
    listing = f"trash {kinds}"
    before = _position(str(decode_cursor(listing, query.cursor))) if query.cursor else None
    rows = repository.page(session, principal.owner, kinds, before, query.limit + 1) if kinds else []
    shown, cursor = cut(rows, query.limit, listing, lambda line: f"{line.deleted_at.isoformat()} {line.id}")
    return Page(items=[_read(line, days) for line in shown], next_cursor=cursor)


def restore(session: Session, principal: Principal, key: str) -> None:
    """Take something out of the trash again, with the versions that were deleted with it.

    Raises:
        NotFound: it is not in there, or is none of the caller's.
        Conflict: ``name_taken``, where its name was given again; ``in_trash``, where what it is a version of
            is in there too.
    """
    found = repository.find(session, principal.owner, key, _kinds(principal, "write"))
    if found is None:
        raise NotFound("There is no such thing in the trash. GET /api/v1/trash lists what is.")
    if isinstance(found, Dataset | RegisteredModel):
        _give_name_back(session, found)
        for version in repository.versions_of(session, found):
            if version.deleted_at == found.deleted_at:
                version.deleted_at = None
    elif isinstance(found, DatasetVersion):
        _require_parent(session, found.dataset)
    elif isinstance(found, ModelVersion):
        _require_parent(session, found.model)
    found.deleted_at = None


def _kinds(principal: Principal, right: str) -> list[Kind]:
    return [kind for kind, group in _GROUPS.items() if principal.may(f"{group}:{right}")]


def _give_name_back(session: Session, row: Dataset | RegisteredModel) -> None:
    name = original(row.name)
    try:
        with session.begin_nested():
            row.name = name
    except IntegrityError:
        raise Conflict(
            f"The name {name} was given again. Delete what has it now, which can be restored as well.",
            code="name_taken",
        ) from None


def _require_parent(session: Session, parent: Dataset | RegisteredModel) -> None:
    # Locked, as whoever deletes it does: else a version could be left over from what was just deleted.
    session.refresh(parent, with_for_update=True)
    if parent.deleted_at is not None:
        raise Conflict(
            f"{original(parent.name)}, of which this is a version, is in the trash too. Restore that first.",
            code="in_trash",
        )


def _position(text: str) -> tuple[datetime, str]:
    moment, _, key = text.partition(" ")
    return datetime.fromisoformat(moment), key


def _read(line: repository.Line, days: int) -> TrashRead:
    name = original(line.name)
    return TrashRead(
        id=line.id,
        kind=line.kind,
        name=name if line.number is None else f"{name}@{line.number}",
        deleted_at=line.deleted_at,
        kept_until=line.deleted_at + timedelta(days=days),
        links={"restore": f"/api/v1/trash/{line.id}/restore"},
    )
