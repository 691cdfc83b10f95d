"""Keys: made, listed, revoked; and the first one of an installation."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound, shortened
from app.identifiers import new_id
from app.keys import repository
from app.keys.scopes import ADMIN, Scope
from app.keys.text import digest_of, new_key_text
from app.pagination import cut, decode_cursor
from app.tables.base import now
from app.tables.key import Key

LISTING = "keys"


def create(
    session: Session,
    name: str,
    scopes: Sequence[Scope],
    expires_at: datetime | None = None,
    *,
    owner: str = "local",
) -> tuple[Key, str]:
    """Make a key; returns its row and its text, which is told here and never again."""
    key_id = new_id("key")
    text = new_key_text(key_id)
    return add(session, key_id, text, name=name, scopes=scopes, expires_at=expires_at, owner=owner), text


def add(
    session: Session,
    key_id: str,
    text: str,
    *,
    name: str,
    scopes: Sequence[Scope],
    expires_at: datetime | None = None,
    owner: str = "local",
) -> Key:
    """Store what is kept of the key ``text``."""
    key = Key(
        id=key_id,
        name=name,
        owner=owner,
        digest=digest_of(text),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return key


def page(session: Session, owner: str, limit: int, cursor: str | None) -> tuple[Sequence[Key], str | None]:
    """Return one page of keys, the newest first, and the next cursor."""
    before = str(decode_cursor(LISTING, cursor)) if cursor else None
    rows = repository.page(session, owner, before=before, limit=limit + 1)
    return cut(rows, limit, LISTING, lambda key: key.id)


def revoke(session: Session, owner: str, key_id: str) -> None:
    """Revoke a key for ever; the last one that may make others is kept, or nobody could come in again."""
    valid = repository.valid_keys_locked(session, now())
    key = repository.find_owned(session, owner, key_id)
    if key is None:
        raise NotFound(f"There is no valid key {shortened(key_id)}. List the keys to see them.")
    if [other.id for other in valid if ADMIN in other.scopes] == [key.id]:
        raise Conflict(
            "This is the last valid key with the scope admin. Create another one, then revoke this one.",
            code="last_admin_key",
        )
    key.revoked_at = now()
