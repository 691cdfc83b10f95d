"""Real databases for every test: SQLite always, PostgreSQL where its wheel is installed.

Each test gets databases of its own. They are copies of one that was migrated once, so they cost
milliseconds: a file copy on SQLite, ``CREATE DATABASE … TEMPLATE`` on PostgreSQL.
"""

import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from postgres import Postgres
from sqlalchemy import select

from app.database import Database
from app.identifiers import new_id
from app.jobs.queueing import queue
from app.jobs.states import JobKind
from app.migrating import migrate
from app.settings import Settings
from app.tables import Dataset, DatasetVersion, Event, Job
from models.specs.cnn import CnnSpec
from models.specs.training import TrainingSpec

pytest_plugins = ["disks", "made", "s3_server"]

TEMPLATE = "migrated_template"
# How long a test waits for what is to come, on a machine that has much else to do.
DEADLINE_SECONDS = 180.0
IMAGES = {
    "kind": "images",
    "rows": 4,
    "test_rows": 1,
    "shape": [8, 8, 1],
    "dtype": "float32",
    "labels": ["a", "b"],
    "image": {"low": 0, "high": 16, "background": 0},
}

Row = TypeVar("Row")


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KERAFORGE_")]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True, scope="session")
def _children_hear_signals() -> None:
    """What is started in the background or by ``nohup`` ignores signals, and children would inherit that.

    A handler, even one that does nothing, is not inherited.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sqlite")
    path = folder / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test, where ``Settings(data_dir=tmp_path / "data")`` has it."""
    path = tmp_path / "data" / "keraforge.db"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with closing(Postgres()) as server:
        server.start()
        yield server


@pytest.fixture(scope="session")
def postgres_server(_postgres: Postgres) -> str:
    """The PostgreSQL server of this test run; its URL lacks the database's name."""
    return _postgres.url


@pytest.fixture(scope="session")
def _postgres_template(_postgres: Postgres) -> Postgres:
    _postgres.run(f"CREATE DATABASE {TEMPLATE}")
    migrate(f"{_postgres.url}/{TEMPLATE}")
    return _postgres


@pytest.fixture
def postgres_url(_postgres_template: Postgres) -> Iterator[str]:
    """A migrated PostgreSQL database of this test; skips where PostgreSQL is not to be had."""
    name = f"test_{secrets.token_hex(8)}"
    _postgres_template.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield f"{_postgres_template.url}/{name}"
    _postgres_template.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgres_url(_postgres: Postgres) -> Iterator[str]:
    """A PostgreSQL database of this test without any table."""
    name = f"test_{secrets.token_hex(8)}"
    _postgres.run(f"CREATE DATABASE {name}")
    yield f"{_postgres.url}/{name}"
    _postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test; the test runs once on each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of this test; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated :class:`Database`; the test runs once on each kind."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of this test alone: its own data folder, nothing from the environment."""
    return Settings(_env_file=None, data_dir=tmp_path / "data")


class Rows:
    """Datasets and jobs in a database, for tests that need some to be there."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def version(self, state: str = "ready", *, dataset: str | None = None, **columns: Any) -> str:
        """Add a dataset version, the first one of a new dataset or the next one of ``dataset``."""
        with self.database.write() as session:
            parent = session.get(Dataset, dataset) if dataset else None
            if parent is None:
                parent = Dataset(id=new_id("ds"), owner="local", name=new_id("digits"), kind="images")
                session.add(parent)
                session.flush()
            number = len(session.scalars(select(DatasetVersion).filter_by(dataset_id=parent.id)).all()) + 1
            values: dict[str, Any] = {
                "source": {"builtin": "digits"},
                "options": {},
                "schema": IMAGES,
            } | columns
            version = DatasetVersion(
                id=new_id("dsv"), owner="local", dataset_id=parent.id, number=number, state=state, **values
            )
            session.add(version)
            session.flush()
            return version.id

    def training(self, model: str = "digits", *, version: str | None = None, **columns: Any) -> str:
        """Add a queued training job that is resolved."""
        resolved = {"network": CnnSpec().model_dump(mode="json"), "dataset": "digits@1"}
        resolved["training"] = TrainingSpec().model_dump(mode="json")
        values = {"resolved": resolved, "request": {}, "promote": "always"} | columns
        return self._job("training", version or self.version(), model=model, **values)

    def reading(self, *, version: str | None = None, **options: Any) -> str:
        """Add a queued reading job and the version that it reads."""
        version = version or self.version("reading", options=options, schema=None)
        return self._job("reading", version, request={"dataset_version": version})

    def _job(self, kind: JobKind, version: str, **columns: Any) -> str:
        with self.database.write() as session:
            return queue(session, kind, "local", dataset_version_id=version, **columns).id

    def get(self, table: type[Row], key: str) -> Row:
        """Return a row as it is now."""
        with self.database.read() as session:
            return session.get_one(table, key)

    def job(self, job_id: str) -> Job:
        """Return a job as it is now."""
        return self.get(Job, job_id)

    def events(self, job_id: str, *types: str) -> list[Event]:
        """Return what a job reported so far, or the events of some types, in order."""
        query = select(Event).where(Event.job_id == job_id).order_by(Event.id)
        with self.database.read() as session:
            return [event for event in session.scalars(query) if not types or event.type in types]


@pytest.fixture
def rows_in() -> type[Rows]:
    """Rows of any database."""
    return Rows


@pytest.fixture
def rows(database: Database) -> Rows:
    """Rows of :func:`database`."""
    return Rows(database)


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a condition holds; return what it returned."""

    def wait(condition: Callable[[], Any], what: str = "something") -> Any:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.02)
        return found

    return wait
