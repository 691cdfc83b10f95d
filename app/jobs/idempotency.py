"""Idempotency keys: a ``POST`` that is sent again gets the first one's answer, and has no second effect."""

import hashlib
import json
import re
from datetime import timedelta
from importlib import import_module
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.errors import BadRequest, Invalid, shortened
from app.tables import IdempotencyKey
from app.tables.base import now

KEPT = timedelta(hours=24)

_KEY = re.compile(r'^(?:"(?P<quoted>[A-Za-z0-9_-]{1,255})"|(?P<bare>[A-Za-z0-9_-]{1,255}))$')


def parse_key(header: str) -> str:
    """Return the key of an ``Idempotency-Key`` header, quoted or not."""
    found = _KEY.fullmatch(header)
    if found is None:
        raise BadRequest(
            "Idempotency-Key must be 1 to 255 letters, digits, dashes or underscores, "
            f"got {shortened(header)}.",
            code="invalid_header",
        )
    return found["quoted"] or found["bare"]


def fingerprint(address: str, body: BaseModel) -> str:
    """Return what tells one request from another: a digest of its method and path, and of what was sent."""
    sent = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return hashlib.sha256(f"{address}\n{sent}".encode()).hexdigest()


def begin(session: Session, owner: str, key: str, print_: str) -> IdempotencyKey | None:
    """Take the key for this transaction, or return the answer that it was given before.

    Taking inserts the row at once: a second transaction with the key waits here until this one ends, and
    then either finds the answer or, after a rollback, takes the key itself.
    """
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.owner == owner, IdempotencyKey.created_at < now() - KEPT)
    )
    if _insert(session, {"owner": owner, "key": key, "fingerprint": print_, "status": 0, "body": {}}):
        return None
    earlier = session.get_one(IdempotencyKey, (owner, key))
    if earlier.fingerprint != print_:
        raise Invalid(
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
            code="idempotency_key_reused",
        )
    return earlier


def finish(
    session: Session, owner: str, key: str, *, status: int, location: str, body: dict[str, Any]
) -> None:
    """Keep the answer; it is stored with the effect, or not at all."""
    row = session.get_one(IdempotencyKey, (owner, key))
    row.status, row.location, row.body = status, location, body


def _insert(session: Session, row: dict[str, Any]) -> bool:
    # Both dialects know ON CONFLICT; importing the one that is not in use takes a tenth of a second.
    dialect = import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}")
    statement = dialect.insert(IdempotencyKey).values(**row).on_conflict_do_nothing()
    return session.scalar(statement.returning(IdempotencyKey.key)) is not None
