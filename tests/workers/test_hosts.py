"""Workers on hosts that share a database and an address for files, but no folder; children are scripted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.files.remote import RemoteStore
from app.jobs import verbs
from app.settings import Settings
from app.tables import ModelVersion
from workers.child import Program
from workers.supervisor import Limits
from workers.worker import Worker

LIMITS = Limits(first_event=20.0, silence=20.0, pause_grace=5.0, cancel_grace=5.0, drain_grace=5.0)
ROWS = b"rows"


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "shared"


@pytest.fixture
def address(request: pytest.FixtureRequest, shared: Path) -> str:
    if getattr(request, "param", "a folder") == "a bucket":
        return f"{request.getfixturevalue('s3_address')}/files"
    return f"file://{shared}"


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, address: str) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=sqlite_url,
        files_url=address,
        warm_start=False,
        heartbeat_seconds=0.2,
        reconcile_seconds=0.2,
    )


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> RemoteStore:
    """The store, as the web process has it."""
    store = RemoteStore(tmp_path / "web", settings.files_url, 2**30)
    store.prepare()
    store.check()
    return store


@pytest.fixture
def version(rows: Any, store: RemoteStore) -> str:
    """A dataset version whose rows are in the store."""
    path = store.staging / "rows"
    path.write_bytes(ROWS)
    stored = store.adopt(path)
    found: str = rows.version(files={"x.npy": {"sha256": stored.sha256, "bytes": stored.bytes}})
    return found


@pytest.fixture
def host(
    tmp_path: Path, settings: Settings, store: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Worker]]:
    """Start the worker of a host, which has a folder of its own."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent / 'programs'}:{Path(__file__).parents[2]}")
    monkeypatch.setenv("AWS_OF_THE_WORKER", "secret")
    monkeypatch.setattr("workers.slots.POLL_SECONDS", 0.1)
    monkeypatch.setattr("app.files.remote.KNOWN_SECONDS", 0.1)
    workers = []

    def start(name: str) -> Worker:
        own = settings.model_copy(update={"data_dir": tmp_path / name})
        worker = Worker(own, programs={"training": Program("scripted_child")}, limits=LIMITS)
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop()


@pytest.mark.parametrize("address", ["a folder", "a bucket"], indirect=True)
def test_a_job_goes_on_from_its_checkpoint_on_another_host(
    bench: Any, host: Callable[[str], Worker], version: str, tmp_path: Path
) -> None:
    job_id = bench.rows.training("wandering", version=version)
    for attempt, name in enumerate(("one", "other"), start=1):
        worker = host(name)
        place = {"epoch": attempt, "step": 10 * attempt, "attempt": attempt}
        bench.until(lambda place=place: bench.rows.job(job_id).checkpoint == place, f"{place}")
        worker.stop()
        assert bench.rows.job(job_id).state == "queued"
    host("third")
    job = bench.ended(job_id)
    assert (job.state, job.attempt, job.restarts) == ("succeeded", 3, 0)
    lines = [event.data["message"] for event in bench.rows.events(job_id, "log")]
    assert [line for line in lines if line.startswith("Resumed")] == [
        "Resumed after epoch 1, step 10.",
        "Resumed after epoch 2, step 20.",
    ]
    bench.until(lambda: not list((tmp_path / "third" / "orders").iterdir()), "the order to be removed")


def test_a_child_gets_its_files_and_no_credentials(
    bench: Any, host: Callable[[str], Worker], version: str, store: RemoteStore, database: Database
) -> None:
    job_id = bench.rows.training("curious", version=version)
    host("one")
    assert bench.ended(job_id).state == "succeeded"
    event, *_ = bench.rows.events(job_id, "log")
    assert event.data["message"] == "rows []"
    with database.read() as session:
        (published,) = session.query(ModelVersion).all()
    assert store.fetch(published.files["network.keras"]["sha256"]).read_bytes() == job_id.encode()


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_job_whose_files_are_lost_fails_and_says_which(
    bench: Any, host: Callable[[str], Worker], version: str, store: RemoteStore, shared: Path, how: str
) -> None:
    (object_,) = (path for path in (shared / "objects").rglob("*") if path.is_file())
    if how == "missing":
        object_.unlink()
    else:
        object_.write_bytes(b"r?ws")
    host("one")
    job = bench.ended(bench.rows.training("curious", version=version))
    assert (job.state, job.error["code"], job.error["retryable"]) == ("failed", "bad_data", True)
    assert f"{object_.name} is {how}" in job.error["message"]


class Outage:
    """The shared folder is gone for a while."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._aside = shared.with_name("aside")

    def begin(self) -> None:
        self._shared.rename(self._aside)
        # Nothing can be written below a file.
        self._shared.touch()

    def end(self) -> None:
        self._shared.unlink()
        self._aside.rename(self._shared)


def test_no_job_is_begun_while_the_store_is_away(
    bench: Any, host: Callable[[str], Worker], version: str, shared: Path
) -> None:
    outage = Outage(shared)
    outage.begin()
    (_slot, *_others) = host("one")._slots
    job_id = bench.rows.training("curious", version=version)
    assert not _slot._has_files()
    assert bench.rows.job(job_id).attempt == 0
    outage.end()
    job = bench.ended(job_id)
    assert (job.state, job.attempt) == ("succeeded", 1)


def test_what_was_made_while_the_store_was_away_is_published_when_it_is_back(
    bench: Any, host: Callable[[str], Worker], version: str, shared: Path, tmp_path: Path
) -> None:
    outage = Outage(shared)
    host("one")
    job_id = bench.rows.training("told", version=version)
    bench.until(lambda: bench.rows.events(job_id, "epoch"), "the first epoch")
    outage.begin()
    (tmp_path / "one" / "orders" / "go").touch()
    bench.until(lambda: len(bench.rows.events(job_id, "epoch")) == 3, "the last epoch")
    renewed = bench.rows.job(job_id).lease_until
    bench.until(lambda: bench.rows.job(job_id).lease_until > renewed, "the lease, renewed")
    assert bench.rows.job(job_id).state == "running"
    outage.end()
    job = bench.ended(job_id)
    assert (job.state, job.attempt) == ("succeeded", 1)


def test_a_job_that_cannot_be_published_can_be_cancelled(
    bench: Any, host: Callable[[str], Worker], version: str, shared: Path, tmp_path: Path, database: Database
) -> None:
    outage = Outage(shared)
    host("one")
    job_id = bench.rows.training("told", version=version)
    bench.until(lambda: bench.rows.events(job_id, "epoch"), "the first epoch")
    outage.begin()
    (tmp_path / "one" / "orders" / "go").touch()
    bench.until(lambda: len(bench.rows.events(job_id, "epoch")) == 3, "the last epoch")
    with database.write() as session:
        verbs.cancel(session, "local", job_id)
    assert bench.ended(job_id).state == "cancelled"
    outage.end()
