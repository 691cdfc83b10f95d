"""Queries on keys, sessions of browsers and one-time codes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.tables.browser_session import BrowserSession
from app.tables.key import Key
from app.tables.login_code import LoginCode


def _is_valid(at: datetime) -> ColumnElement[bool]:
    return and_(Key.revoked_at.is_(None), or_(Key.expires_at.is_(None), Key.expires_at > at))


def valid_keys(session: Session, at: datetime, digest: str | None = None) -> Sequence[Key]:
    """Return the keys that open something now, or the one with ``digest`` if it does."""
    query = select(Key).where(_is_valid(at))
    return session.scalars(query if digest is None else query.where(Key.digest == digest)).all()


def valid_sessions(
    session: Session, at: datetime, digest: str | None = None
) -> Sequence[tuple[BrowserSession, Key]]:
    """Return the open sessions with their keys, or the one with ``digest``; both halves must be valid."""
    query = select(BrowserSession, Key).join(Key, BrowserSession.key_id == Key.id)
    query = query.where(_is_valid(at), BrowserSession.expires_at > at)
    rows = session.execute(query if digest is None else query.where(BrowserSession.digest == digest))
    return [(row[0], row[1]) for row in rows]


def find(session: Session, digest: str) -> Key | None:
    """Return the key with this digest, valid or not."""
    return session.scalar(select(Key).where(Key.digest == digest))


def find_owned(session: Session, owner: str, key_id: str) -> Key | None:
    """Return a key of ``owner`` that is not revoked."""
    query = select(Key).where(Key.id == key_id, Key.owner == owner, Key.revoked_at.is_(None))
    return session.scalar(query)


def page(session: Session, owner: str, *, before: str | None, limit: int) -> Sequence[Key]:
    """Return keys of ``owner``, the newest first."""
    query = select(Key).where(Key.owner == owner)
    if before is not None:
        query = query.where(Key.id < before)
    return session.scalars(query.order_by(Key.id.desc()).limit(limit)).all()


def valid_keys_locked(session: Session, at: datetime) -> Sequence[Key]:
    """Return the keys that open something now, so that no other transaction revokes one meanwhile."""
    return session.scalars(select(Key).where(_is_valid(at)).order_by(Key.id).with_for_update()).all()


def touch(session: Session, key_id: str, at: datetime) -> None:
    """Remember when a key was used last; another process may have seen it later."""
    statement = update(Key).where(Key.id == key_id, or_(Key.last_used_at.is_(None), Key.last_used_at < at))
    session.execute(statement.values(last_used_at=at).execution_options(synchronize_session=False))


def use_code(session: Session, digest: str, at: datetime) -> str | None:
    """Use a one-time code up and return the identifier of its key; None if it is used, expired or unknown."""
    code = and_(LoginCode.digest == digest, LoginCode.used_at.is_(None), LoginCode.expires_at > at)
    return session.scalar(update(LoginCode).where(code).values(used_at=at).returning(LoginCode.key_id))


def delete_expired(session: Session, at: datetime) -> None:
    """Delete the sessions and codes that open nothing any more."""
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= at))
    session.execute(delete(LoginCode).where(LoginCode.expires_at <= at))
