"""The slots of a worker in this process, with scripted children; no broker is needed."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import OperationalError

from app.database import Database
from app.settings import Settings
from app.storage import Store
from app.tables import DatasetVersion, Job, ModelVersion
from workers.child import Program
from workers.supervisor import Limits
from workers.worker import Worker

on_both = pytest.mark.parametrize("kind", ["sqlite", "postgres"])
on_postgresql = pytest.mark.parametrize("kind", ["postgres"])

LIMITS = Limits(first_event=60.0, silence=60.0, cancel_grace=1.0, drain_grace=0.5)
# The job after a silent one has as long to begin.
SOON_HUNG = replace(LIMITS, silence=4.0)


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Settings:
    url = request.getfixturevalue(f"{kind}_url")
    return Settings(_env_file=None, data_dir=tmp_path / "data", database_url=url, warm_start=False)


@pytest.fixture
def limits() -> Limits:
    return LIMITS


@pytest.fixture
def worker(settings: Settings, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "programs"))
    settings.data_dir.mkdir(exist_ok=True)
    programs = dict.fromkeys(("training", "reading"), Program("scripted_child"))
    worker = Worker(settings, programs=programs, limits=limits)
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def database(settings: Settings, worker: Worker) -> Iterator[Database]:
    """What is committed here wakes the worker, as the doorbell would."""
    database = Database(settings.resolved_database_url, on_commit=worker.ring)
    yield database
    database.close()


@on_both
def test_a_training_job_is_run_recorded_and_published(bench: Any, worker: Worker) -> None:
    job = bench.ended(bench.rows.training("train"))
    assert (job.state, job.attempt, job.best["epoch"]) == ("succeeded", 1, 3)
    assert [event.data["epoch"] for event in bench.rows.events(job.id, "epoch")] == [1, 2, 3]
    assert [phase["phase"] for phase in job.phases] == ["starting", "training"]
    version = bench.rows.get(ModelVersion, job.model_version_id)
    store = Store(bench.settings.data_dir)
    assert store.path(version.files["network.keras"]["sha256"]).read_text() == job.id
    assert version.files["pictures/curves.png"]["media_type"] == "image/png"
    bench.until(lambda: not list((bench.settings.data_dir / "orders").iterdir()), "the order to be removed")


@on_both
def test_a_dataset_is_read_while_a_training_runs_and_the_job_that_waits_for_it_follows(
    bench: Any, worker: Worker
) -> None:
    blocking = bench.rows.training("wait")
    bench.pids(blocking)
    reading = bench.rows.reading()
    version = bench.rows.job(reading).dataset_version_id
    request = {"network": {"preset": "cnn-small"}}
    waiting = bench.rows.training("train", version=version, resolved=None, request=request)
    assert bench.ended(reading).state == "succeeded"
    row = bench.rows.get(DatasetVersion, version)
    assert (row.state, row.files["x.npy"]["bytes"]) == ("ready", len("x.npy"))
    assert bench.rows.job(blocking).state == "running"
    bench.move(blocking, "cancelling")
    assert bench.ended(waiting).state == "succeeded"


def test_a_dataset_that_cannot_be_read_is_invalid(bench: Any, worker: Worker) -> None:
    job = bench.ended(bench.rows.reading(bad=True))
    assert (job.state, job.error["code"]) == ("failed", "bad_data")
    assert bench.rows.get(DatasetVersion, job.dataset_version_id).error["message"] == "There are no rows."


@pytest.mark.parametrize(
    ("model", "limits", "code", "said"),
    [
        ("fail", LIMITS, "diverged", "The loss is not finite."),
        ("crash", LIMITS, "crashed", "SIGSEGV"),
        ("leave", LIMITS, "crashed", "status 3"),
        ("leave75", LIMITS, "crashed", "status 75"),
        ("silent", SOON_HUNG, "hung", "reported nothing for 4 s"),
        ("escape", LIMITS, "internal", "The worker failed"),
    ],
)
def test_a_child_that_fails_fails_its_job_and_the_next_job_runs(
    bench: Any, worker: Worker, model: str, code: str, said: str
) -> None:
    job_id = bench.rows.training(model)
    following = bench.rows.training("train")
    job = bench.ended(job_id)
    assert (job.state, job.error["code"]) == ("failed", code)
    assert said in job.error["message"]
    assert job.error["hint"] or code == "internal"
    if model == "crash":
        assert bench.rows.events(job_id, "log")[-1].data["message"] == "the last thing it printed"
    assert bench.ended(following).state == "succeeded"
    assert not (bench.settings.data_dir.parent / "secret").exists()


def test_what_a_child_prints_does_not_disturb_its_job(bench: Any, worker: Worker) -> None:
    job = bench.ended(bench.rows.training("garbage"))
    assert job.state == "succeeded"
    assert len(bench.rows.events(job.id, "epoch")) == 3


def test_a_child_knows_no_address_of_the_database_or_the_broker(
    bench: Any, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    job = bench.ended(bench.rows.training("environment"))
    names = json.loads(bench.rows.events(job.id, "log")[0].data["message"])
    assert "PATH" in names
    assert [name for name in names if name.startswith("KERAFORGE") or name == "PGPASSWORD"] == []


@on_both
@pytest.mark.parametrize("model", ["wait", "deaf"])
def test_the_child_is_dead_when_the_state_says_cancelled(bench: Any, worker: Worker, model: str) -> None:
    job_id = bench.rows.training(model)
    pids = bench.pids(job_id)
    assert bench.alive(pids) == pids
    bench.move(job_id, "cancelling")
    assert bench.ended(job_id).state == "cancelled"
    assert bench.alive(pids) == []


def test_nothing_that_a_child_has_started_outlives_its_job(bench: Any, worker: Worker) -> None:
    job = bench.ended(bench.rows.training("litter"))
    assert job.state == "succeeded"
    assert bench.alive([int(bench.rows.events(job.id, "log")[0].data["message"])]) == []


@on_both
def test_an_attempt_that_is_no_longer_the_jobs_is_ended(bench: Any, worker: Worker) -> None:
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    bench.move(job_id, "failed")
    bench.until(lambda: not bench.alive(pids), "the child's end")
    assert bench.rows.job(job_id).state == "failed"


def test_a_job_is_found_without_a_ring(bench: Any, worker: Worker, rows_in: Any) -> None:
    bench.ended(bench.rows.training("train"))
    silent = Database(bench.settings.resolved_database_url)
    assert bench.ended(rows_in(silent).training("train")).state == "succeeded"
    silent.close()


def test_a_slot_outlives_a_data_folder_that_is_away(
    bench: Any, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    bench.ended(bench.rows.training("train"))
    folder = bench.settings.data_dir
    away = folder.rename(folder.with_name("away"))
    worker.ring(frozenset({"training", "light"}))
    bench.until(lambda: "no job can be claimed now" in caplog.text, "a slot to notice")
    away.rename(folder)
    assert bench.ended(bench.rows.training("train")).state == "succeeded"


@on_postgresql
def test_what_a_child_says_while_the_database_is_away_is_written_when_it_is_back(
    bench: Any, worker: Worker, postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = bench.settings.database_url.rpartition("/")[2]
    job_id = bench.rows.training("told")
    bench.until(lambda: bench.rows.events(job_id, "epoch"), "the first epoch")
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as administrator:
        administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        go = bench.settings.data_dir / "orders" / "go"
        go.touch()
        bench.until(lambda: not go.exists(), "the child's end")
        bench.until(lambda: "the database is away" in caplog.text, "the worker to notice")
        administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    assert bench.ended(job_id).state == "succeeded"
    assert [event.data["epoch"] for event in bench.rows.events(job_id, "epoch")] == [1, 2, 3]
    assert bench.ended(bench.rows.training("train")).state == "succeeded"


def test_a_job_whose_order_cannot_be_read_since_the_database_went_away_is_begun_again(
    bench: Any, worker: Worker
) -> None:
    gone: list[str] = []

    def go_away(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        is_slot = threading.current_thread().name.startswith("training-")
        if is_slot and not gone and statement.startswith("SELECT dataset_versions"):
            gone.append(statement)
            raise OperationalError(statement, {}, Exception("server closed the connection"))

    event.listen(Engine, "before_cursor_execute", go_away)
    try:
        job = bench.ended(bench.rows.training("train"))
    finally:
        event.remove(Engine, "before_cursor_execute", go_away)
    assert gone
    assert (job.state, job.attempt, job.restarts) == ("succeeded", 2, 0)


@on_both
def test_a_job_that_another_worker_has_before_its_order_is_read_is_left_to_that_one(
    bench: Any, worker: Worker, database: Database
) -> None:
    taken: list[str] = []

    def sleep_long(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """Let another worker claim the job after this one has, as if this one had slept for long."""
        is_slot = threading.current_thread().name.startswith("training-")
        if is_slot and not taken and statement.startswith("SELECT jobs."):
            taken.append(statement)
            with database.write() as session:
                other = {"attempt": 2, "worker": "worker_other", "lease_until": Job.lease_until + 600.0}
                session.execute(update(Job).where(Job.state == "running").values(other))

    event.listen(Engine, "before_cursor_execute", sleep_long)
    try:
        job_id = bench.rows.training("train")
        bench.until(lambda: taken, "the other worker's claim")
        assert bench.ended(bench.rows.training("train")).state == "succeeded"
    finally:
        event.remove(Engine, "before_cursor_execute", sleep_long)
    with database.read() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.attempt, job.worker) == ("running", 2, "worker_other")
    assert bench.rows.events(job_id, "epoch") == []
