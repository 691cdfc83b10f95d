from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.database import Database
from app.keys import service
from app.keys.keyring import Keyring
from app.keys.login import create_login_path, open_session
from app.keys.text import digest_of
from app.tables import BrowserSession, Key
from app.tables.base import now


@pytest.fixture
def keyring(database: Database) -> Iterator[Keyring]:
    keyring = Keyring(database)
    yield keyring
    keyring.close()


def make(database: Database, **changes: Any) -> tuple[str, str]:
    with database.write() as session:
        key, key_text = service.create(session, "test", ["jobs:read", "predict"], **changes)
    return key.id, key_text


def revoke(database: Database, key_id: str) -> None:
    with database.write() as session:
        session.get_one(Key, key_id).revoked_at = now()


def open_browser(database: Database, key_text: str) -> str:
    with database.write() as session:
        cookie = open_session(session, create_login_path(session, key_text).partition("=")[2])
    assert cookie is not None
    return cookie


def test_a_key_is_found_with_what_it_may_do(database: Database, keyring: Keyring) -> None:
    key_id, key_text = make(database, owner="ada")
    keyring.refresh()
    principal = keyring.find("key", digest_of(key_text))
    assert principal is not None
    assert (principal.key_id, principal.name, principal.owner) == (key_id, "test", "ada")
    assert principal.may("predict")
    assert not principal.may("jobs:write")


def test_a_key_that_was_just_made_is_looked_up(database: Database, keyring: Keyring) -> None:
    _, key_text = make(database)
    assert keyring.find("key", digest_of(key_text)) is None
    assert keyring.look_up("key", digest_of(key_text)) is not None
    assert keyring.find("key", digest_of(key_text)) is not None


def test_a_key_and_a_session_are_not_taken_for_each_other(database: Database, keyring: Keyring) -> None:
    _, key_text = make(database)
    cookie = open_browser(database, key_text)
    keyring.refresh()
    assert keyring.find("session", digest_of(cookie)) is not None
    assert keyring.find("session", digest_of(key_text)) is None
    assert keyring.look_up("session", digest_of(key_text)) is None
    assert keyring.look_up("key", digest_of(cookie)) is None


def test_a_revoked_key_is_not_known_after_a_refresh(database: Database, keyring: Keyring) -> None:
    key_id, key_text = make(database)
    cookie = open_browser(database, key_text)
    keyring.refresh()
    revoke(database, key_id)
    keyring.refresh()
    assert keyring.find("key", digest_of(key_text)) is None
    assert keyring.look_up("key", digest_of(key_text)) is None
    assert keyring.look_up("session", digest_of(cookie)) is None


def test_a_forgotten_key_takes_its_sessions_along(database: Database, keyring: Keyring) -> None:
    key_id, key_text = make(database)
    cookie = open_browser(database, key_text)
    _, other = make(database)
    keyring.refresh()
    keyring.forget(key_id)
    assert keyring.find("key", digest_of(key_text)) is None
    assert keyring.find("session", digest_of(cookie)) is None
    assert keyring.find("key", digest_of(other)) is not None


def test_a_key_stops_when_it_expires_even_if_nothing_is_refreshed(
    database: Database, keyring: Keyring, until: Callable[..., Any]
) -> None:
    _, key_text = make(database, expires_at=now() + timedelta(seconds=1.5))
    assert keyring.look_up("key", digest_of(key_text)) is not None
    until(lambda: keyring.find("key", digest_of(key_text)) is None, "the key to expire")
    assert keyring.look_up("key", digest_of(key_text)) is None


def test_a_session_stops_when_it_expires(database: Database, keyring: Keyring) -> None:
    _, key_text = make(database)
    cookie = open_browser(database, key_text)
    with database.write() as session:
        session.query(BrowserSession).update({"expires_at": now()})
    assert keyring.look_up("session", digest_of(cookie)) is None


def test_it_follows_the_database_by_itself(
    database: Database, keyring: Keyring, until: Callable[..., Any]
) -> None:
    keyring.start()
    key_id, key_text = make(database)
    until(lambda: keyring.find("key", digest_of(key_text)), "the new key")
    revoke(database, key_id)
    until(lambda: keyring.find("key", digest_of(key_text)) is None, "the revocation")


def test_known_keys_stay_valid_while_the_database_cannot_be_read(
    database: Database, keyring: Keyring, until: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    _, key_text = make(database)
    keyring.start()
    with database.write() as session:
        session.execute(text("ALTER TABLE keys RENAME TO hidden"))
    until(lambda: "cannot be read" in caplog.text, "a failed refresh")
    assert keyring.find("key", digest_of(key_text)) is not None
    with database.write() as session:
        session.execute(text("ALTER TABLE hidden RENAME TO keys"))
    _, other = make(database)
    until(lambda: keyring.find("key", digest_of(other)), "the next refresh")


def test_the_last_use_is_stored_at_the_end_and_never_goes_back(database: Database) -> None:
    key_id, key_text = make(database)
    keyring = Keyring(database)
    keyring.refresh()
    started = now()
    assert keyring.find("key", digest_of(key_text)) is not None
    with database.read() as session:
        assert session.get_one(Key, key_id).last_used_at is None
    keyring.close()
    with database.read() as session:
        used = session.get_one(Key, key_id).last_used_at
    assert used is not None
    assert used >= started - timedelta(milliseconds=1)
    later = now() + timedelta(hours=1)
    with database.write() as session:
        session.get_one(Key, key_id).last_used_at = later
    keyring.find("key", digest_of(key_text))
    keyring.close()
    with database.read() as session:
        assert session.get_one(Key, key_id).last_used_at == later
