"""One-time links: a browser comes in with a code instead of a key, and gets a session."""

import secrets
from datetime import timedelta

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.identifiers import new_id
from app.keys import repository
from app.keys.text import digest_of
from app.tables.base import now
from app.tables.browser_session import BrowserSession
from app.tables.login_code import LoginCode

CODE_LIFETIME = timedelta(minutes=10)
SESSION_LIFETIME = timedelta(hours=12)
_RANDOM_BYTES = 32


def create_login_path(session: Session, key_text: str) -> str:
    """Return the path and query of a link that opens a session with the rights of a key, once.

    Only the code's digest is stored. Raises :class:`~app.errors.NotFound` if the key opens nothing.
    """
    keys = repository.valid_keys(session, now(), digest_of(key_text))
    if not keys:
        raise NotFound("The key is not valid, so no link can be made with it.")
    code = secrets.token_urlsafe(_RANDOM_BYTES)
    expires_at = now() + CODE_LIFETIME
    session.add(
        LoginCode(id=new_id("code"), digest=digest_of(code), key_id=keys[0].id, expires_at=expires_at)
    )
    return f"/login?code={code}"


def open_session(session: Session, code: str) -> str | None:
    """Use ``code`` up and return the text of a new session's cookie; None if the code opens nothing."""
    key_id = repository.use_code(session, digest_of(code), now())
    if key_id is None:
        return None
    repository.delete_expired(session, now())
    cookie = secrets.token_urlsafe(_RANDOM_BYTES)
    expires_at = now() + SESSION_LIFETIME
    session.add(
        BrowserSession(id=new_id("session"), digest=digest_of(cookie), key_id=key_id, expires_at=expires_at)
    )
    return cookie
