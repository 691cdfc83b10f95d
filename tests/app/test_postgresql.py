"""A server that says nothing any more, though its machine is well."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Timer
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.database import Database
from app.migrating import migrate
from app.postgresql import Connection
from app.tables import Dataset

ADVISORY_LOCK = 5_318_008_731


@contextmanager
def stopped(connection: Any) -> Iterator[None]:
    """Stop the server's process of a connection, which has little patience from then on."""
    server = connection.info.backend_pid
    connection.answer_seconds = 0.5
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)


def test_a_statement_that_is_not_answered_is_given_up_with_its_connection(postgres_url: str) -> None:
    with closing(Connection.connect(postgres_url)) as connection:
        with stopped(connection), pytest.raises(psycopg.OperationalError, match="said nothing for"):
            connection.execute("SELECT 1")
        assert connection.closed


def test_who_finds_a_server_stopped_gets_an_error_and_the_next_a_connection_that_works(
    postgres_url: str,
) -> None:
    with closing(Database(postgres_url)) as database:
        with database.read() as session:
            driver = session.connection().connection.driver_connection
            with stopped(driver), pytest.raises(OperationalError, match="said nothing for"):
                session.scalars(select(Dataset)).all()
        with database.read() as session:
            assert session.scalars(select(Dataset)).all() == []


def test_migrating_takes_as_long_as_it_takes(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "answer_seconds", 2.0)
    with psycopg.connect(empty_postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        # Whoever else migrates is waited for.
        later = Timer(3.0, other.commit)
        later.start()
        migrate(empty_postgres_url)
        later.join()
