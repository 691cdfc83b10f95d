import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.database import SAFE_WAL_VERSION, Database, ring_after_commit
from app.identifiers import new_id
from app.tables import BrowserSession, Dataset
from app.tables.base import now

PROCESSES, ROUNDS = 4, 100
HAMMER = """
import sys
from sqlalchemy import text
from app.database import Database
database = Database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        value = session.scalar(text("SELECT value FROM counter"))
        session.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})
"""


VERSION = "from app.database import sqlite_module; print(sqlite_module().sqlite_version)"


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


def add_dataset(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(Dataset(id=new_id("ds"), owner="local", name=name, kind="images"))


def names(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.scalars(text("SELECT name FROM datasets")))


def version_after(*modules: str) -> str:
    imports = "".join(f"import {module}; " for module in modules)
    return subprocess.check_output([sys.executable, "-P", "-c", imports + VERSION], text=True)


def test_all_processes_have_one_sqlite_also_those_that_loaded_tensorflow_and_its_own() -> None:
    assert version_after("tensorflow") == version_after()


def test_sqlite_is_told_to_be_safe_and_concurrent(sqlite: Database) -> None:
    with sqlite.read() as session:
        settings = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "busy_timeout")
        }
        version = str(session.scalar(text("SELECT sqlite_version()")))
    newest = tuple(int(part) for part in version.split(".")) >= SAFE_WAL_VERSION
    assert settings == {
        "journal_mode": "wal" if newest else "delete",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "busy_timeout": 30_000,
    }


def test_a_writer_has_the_lock_from_its_first_statement_and_readers_go_on(sqlite: Database) -> None:
    add_dataset(sqlite, "before")
    other = Database(str(sqlite.engine.url))
    with sqlite.write() as session:
        session.execute(text("SELECT 1"))
        with other.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA busy_timeout=0")
            with pytest.raises(OperationalError, match="locked"):
                connection.execution_options(sqlite_begin="IMMEDIATE").execute(text("SELECT 1"))
        assert names(other) == ["before"]
    other.close()


def test_processes_that_read_then_write_wait_for_each_other(sqlite: Database) -> None:
    with sqlite.write() as session:
        session.execute(text("CREATE TABLE counter (value INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    arguments = [str(sqlite.engine.url), str(ROUNDS)]
    command = [sys.executable, "-P", "-c", HAMMER, *arguments]
    hammers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(PROCESSES)]
    assert [hammer.communicate(timeout=120)[1] for hammer in hammers] == [b""] * PROCESSES
    with sqlite.read() as session:
        assert session.scalar(text("SELECT value FROM counter")) == PROCESSES * ROUNDS
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"


def test_what_is_rung_for_is_committed_already(database_url: str) -> None:
    seen: list[tuple[frozenset[str], list[str]]] = []
    other = Database(database_url)
    database = Database(database_url, on_commit=lambda slots: seen.append((slots, names(other))))
    with database.write() as session:
        session.add(Dataset(id=new_id("ds"), owner="local", name="digits", kind="images"))
        ring_after_commit(session, "light")
        ring_after_commit(session, "training")
        ring_after_commit(session, "light")
        assert seen == []
    assert seen == [(frozenset({"light", "training"}), ["digits"])]
    database.close()
    other.close()


def test_a_rollback_keeps_nothing_and_does_not_ring(database_url: str) -> None:
    rung: list[frozenset[str]] = []
    database = Database(database_url, on_commit=rung.append)

    def fail() -> None:
        with database.write() as session:
            session.add(Dataset(id=new_id("ds"), owner="local", name="digits", kind="images"))
            session.flush()
            ring_after_commit(session, "light")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert (names(database), rung) == ([], [])
    database.close()


def test_a_commit_that_fails_does_not_ring(database_url: str) -> None:
    rung: list[frozenset[str]] = []
    database = Database(database_url, on_commit=rung.append)

    def fail() -> None:
        with database.write() as session:
            ring_after_commit(session, "light")
            session.add(BrowserSession(id="session_1", digest="d", key_id="key_nobody", expires_at=now()))

    with pytest.raises(IntegrityError):
        fail()
    assert rung == []
    database.close()


def test_a_transaction_without_a_ring_does_not_ring(database_url: str) -> None:
    rung: list[frozenset[str]] = []
    database = Database(database_url, on_commit=rung.append)
    add_dataset(database, "digits")
    assert rung == []
    database.close()


def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    with database.read() as session:
        session.add(Dataset(id=new_id("ds"), owner="local", name="digits", kind="images"))
        session.flush()
    assert names(database) == []


def test_a_row_can_be_read_after_its_transaction(database: Database) -> None:
    with database.write() as session:
        dataset = Dataset(id=new_id("ds"), owner="local", name="digits", kind="images")
        session.add(dataset)
    assert dataset.name == "digits"
    assert dataset.created_at.tzinfo is not None


def test_a_server_whose_machine_is_gone_is_given_up(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database, database.read() as session:
        driver = session.connection().connection.driver_connection
        assert driver is not None
        parameters = driver.info.get_parameters()
    assert {name: parameters.get(name) for name in ("keepalives_idle", "tcp_user_timeout")} == {
        "keepalives_idle": "10",
        "tcp_user_timeout": "10000",
    }
