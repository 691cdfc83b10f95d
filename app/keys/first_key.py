"""The first key of an installation: in clear only in a file that its owner alone can read."""

import os
from pathlib import Path

from sqlalchemy.orm import Session

from app.identifiers import new_id
from app.keys import repository, service
from app.keys.scopes import ADMIN
from app.keys.text import digest_of, is_well_formed, new_key_text


class UnreadableKeyFile(Exception):
    """The key file exists but does not hold a key."""


def ensure_first_key(session: Session, key_file: Path) -> None:
    """Make sure that ``key_file`` holds a key and that the database knows it.

    A key that is in the file but not in the database is stored there: the database was begun anew. One that
    was revoked stays revoked. Raises :class:`UnreadableKeyFile` if the file holds something else.
    """
    if not key_file.exists():
        _write_new(key_file, new_key_text(new_id("key")))
    text = read_key_file(key_file)
    if repository.find(session, digest_of(text)) is None:
        key_id = f"key_{text.split('_')[1]}"
        service.add(session, key_id, text, name="first key", scopes=[ADMIN])


def read_key_file(key_file: Path) -> str:
    """Return the key in ``key_file``."""
    text = key_file.read_text(encoding="utf-8", errors="replace").strip()
    if not is_well_formed(text):
        raise UnreadableKeyFile(f"{key_file} does not hold a key; remove it to get a new one")
    return text


def _write_new(path: Path, text: str) -> None:
    # O_EXCL also refuses a link that somebody put there before us.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
