from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.database import Database
from app.errors import NotFound
from app.identifiers import new_id
from app.keys import service
from app.keys.login import create_login_path, open_session
from app.keys.text import digest_of, new_key_text
from app.tables import BrowserSession, Key, LoginCode
from app.tables.base import now


@pytest.fixture
def key(database: Database) -> str:
    with database.write() as session:
        return service.create(session, "test", ["admin"])[1]


def new_code(database: Database, key: str) -> str:
    with database.write() as session:
        path, _, code = create_login_path(session, key).partition("?code=")
    assert path == "/login"
    return code


def use(database: Database, code: str) -> str | None:
    with database.write() as session:
        return open_session(session, code)


def test_only_digests_are_stored_of_codes_and_cookies(database: Database, key: str) -> None:
    code = new_code(database, key)
    cookie = use(database, code)
    assert cookie is not None
    with database.read() as session:
        assert session.query(LoginCode).one().digest == digest_of(code)
        assert session.query(BrowserSession).one().digest == digest_of(cookie)
    assert len(code) == len(cookie) == 43


def test_a_code_works_for_ten_minutes_and_a_session_for_half_a_day(database: Database, key: str) -> None:
    use(database, new_code(database, key))
    with database.read() as session:
        code, opened = session.query(LoginCode).one(), session.query(BrowserSession).one()
    assert timedelta(minutes=9) < code.expires_at - now() <= timedelta(minutes=10)
    assert timedelta(hours=11) < opened.expires_at - now() <= timedelta(hours=12)


def test_of_many_who_use_a_code_at_once_one_comes_in(database: Database, key: str) -> None:
    code = new_code(database, key)
    with ThreadPoolExecutor(8) as pool:
        cookies = list(pool.map(lambda _: use(database, code), range(8)))
    assert len([cookie for cookie in cookies if cookie is not None]) == 1


def test_an_expired_code_opens_nothing(database: Database, key: str) -> None:
    code = new_code(database, key)
    with database.write() as session:
        session.query(LoginCode).update({"expires_at": now()})
    assert use(database, code) is None


def test_what_has_expired_is_cleared_away_at_the_next_login(database: Database, key: str) -> None:
    use(database, new_code(database, key))
    with database.write() as session:
        session.query(BrowserSession).update({"expires_at": now()})
        session.query(LoginCode).update({"expires_at": now()})
    use(database, new_code(database, key))
    with database.read() as session:
        assert (session.query(BrowserSession).count(), session.query(LoginCode).count()) == (1, 1)


def test_no_link_is_made_with_a_key_that_opens_nothing(database: Database, key: str) -> None:
    with database.write() as session:
        session.query(Key).update({"revoked_at": now()})
    for invalid in (key, new_key_text(new_id("key"))):
        with pytest.raises(NotFound, match="not valid"), database.write() as session:
            create_login_path(session, invalid)
