"""What a person asks of a job that runs, and leases, in a worker of this process with scripted children."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from disks import filled
from sqlalchemy import update

from app.database import Database
from app.jobs import verbs
from app.settings import Settings
from app.tables import Job, MetricPoint
from app.workers.service import drain, listed
from workers.child import Program
from workers.supervisor import Limits
from workers.worker import Worker

on_both = pytest.mark.parametrize("kind", ["sqlite", "postgres"])

LIMITS = Limits(first_event=60.0, silence=60.0, pause_grace=1.0, cancel_grace=1.0, drain_grace=0.5)


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def lease() -> float:
    return 60.0


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, kind: str, lease: float) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=request.getfixturevalue(f"{kind}_url"),
        warm_start=False,
        lease_seconds=lease,
        heartbeat_seconds=0.2,
        reconcile_seconds=0.2,
        restarts=2,
    )


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


@pytest.fixture
def ask(database: Database) -> Callable[[str, str], str]:
    """Ask something of a job, as its owner does; return its state."""

    def ask(verb: str, job_id: str) -> str:
        options = {"max_parameters": 1_000_000} if verb == "resume" else {}
        with database.write() as session:
            return str(getattr(verbs, verb)(session, "local", job_id, **options).state)

    return ask


def reaches(bench: Any, job_id: str, state: str) -> Job:
    bench.until(lambda: bench.rows.job(job_id).state == state, f"{job_id} to be {state}")
    job: Job = bench.rows.job(job_id)
    return job


def test_a_training_that_is_stopped_publishes_what_it_has_learned(
    bench: Any, worker: Worker, ask: Callable[[str, str], str]
) -> None:
    job_id = bench.rows.training("early")
    bench.until(lambda: bench.rows.events(job_id, "epoch"), "the first epoch")
    assert ask("stop", job_id) == "running"
    job = bench.ended(job_id)
    assert (job.state, job.stop_reason, job.attempt) == ("succeeded", "stopped", 1)
    assert job.model_version_id is not None


@on_both
def test_a_paused_job_leaves_its_slot_and_goes_on_when_it_is_resumed(
    bench: Any, worker: Worker, ask: Callable[[str, str], str], database: Database
) -> None:
    job_id = bench.rows.training("resuming")
    for attempt in (1, 2):
        bench.until(lambda: len(bench.rows.events(job_id, "checkpoint")) == attempt, "a checkpoint")  # noqa: B023
        pids = bench.pids(job_id)
        assert ask("pause", job_id) == "pausing"
        paused = reaches(bench, job_id, "paused")
        assert bench.alive(pids) == []
        assert (paused.worker, paused.child_gone_at is not None) == (None, True)
        other = bench.ended(bench.rows.training("train"))
        assert (other.state, bench.rows.job(job_id).state) == ("succeeded", "paused")
        ask("resume", job_id)
    job = bench.ended(job_id)
    assert (job.state, job.attempt, job.restarts) == ("succeeded", 3, 0)
    with database.read() as session:
        points = session.query(MetricPoint).filter_by(job_id=job_id, key="loss").all()
    assert [(point.epoch, point.attempt) for point in points] == [(1, 1), (2, 2), (3, 3)]


def test_a_checkpoint_that_the_child_could_not_tell_of_any_more_is_used(bench: Any, worker: Worker) -> None:
    job = bench.ended(bench.rows.training("untold"))
    assert (job.state, job.attempt, job.checkpoint) == ("succeeded", 2, None)
    assert [event.data["epoch"] for event in bench.rows.events(job.id, "epoch")] == [1, 2, 3]


def test_a_child_that_does_not_leave_is_ended_and_its_job_paused(
    bench: Any, worker: Worker, ask: Callable[[str, str], str]
) -> None:
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    ask("pause", job_id)
    reaches(bench, job_id, "paused")
    assert bench.alive(pids) == []


def test_the_receipt_of_a_cancel_says_when_the_child_was_seen_dead(
    bench: Any, worker: Worker, ask: Callable[[str, str], str]
) -> None:
    job_id = bench.rows.training("deaf")
    bench.pids(job_id)
    assert ask("cancel", job_id) == "cancelling"
    job = bench.ended(job_id)
    assert job.cancel_requested_at < job.child_gone_at <= job.finished_at


@pytest.mark.parametrize(
    ("limits", "model"),
    [(replace(LIMITS, whole=0.5), "wait"), (replace(LIMITS, whole=0.5, pause_grace=0.5), "deaf")],
)
def test_a_job_that_takes_longer_than_any_may_is_ended(bench: Any, worker: Worker, model: str) -> None:
    job = bench.ended(bench.rows.training(model))
    assert (job.state, job.error["code"], job.error["retryable"]) == ("failed", "time_limit", True)
    assert "than any may here" in job.error["message"]


# Long enough for a child to begin to listen on a busy machine: sooner it could but die.
@pytest.mark.parametrize("limits", [replace(LIMITS, whole=2.0)])
def test_a_job_that_is_done_when_its_time_is_over_is_published(bench: Any, worker: Worker) -> None:
    assert bench.ended(bench.rows.training("late")).state == "succeeded"


def test_a_lease_is_renewed_for_as_long_as_the_child_runs(bench: Any, worker: Worker) -> None:
    job_id = bench.rows.training("wait")
    bench.pids(job_id)
    first = bench.rows.job(job_id).lease_until
    bench.until(lambda: bench.rows.job(job_id).lease_until > first + 1.5, "renewals")
    assert (bench.rows.job(job_id).state, bench.rows.job(job_id).attempt) == ("running", 1)


@on_both
def test_a_worker_that_lost_its_job_ends_its_child_and_nothing_of_it_is_written(
    bench: Any, worker: Worker, database: Database
) -> None:
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    with database.write() as session:
        # As if another worker had begun the job anew.
        session.execute(update(Job).where(Job.id == job_id).values(attempt=2, lease_until=10.0**12))
    bench.until(lambda: not bench.alive(pids), "the child's end")
    job = bench.rows.job(job_id)
    assert (job.state, job.attempt, job.error) == ("running", 2, None)
    assert bench.ended(bench.rows.training("train")).state == "succeeded"


@pytest.mark.parametrize(("kind", "lease"), [("postgres", 2.0)])
def test_a_worker_that_cannot_renew_its_lease_ends_its_child(
    bench: Any, worker: Worker, postgres_server: str
) -> None:
    name = bench.settings.database_url.rpartition("/")[2]
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as administrator:
        administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        bench.until(lambda: not bench.alive(pids), "the child's end")
        administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    bench.until(lambda: bench.rows.job(job_id).attempt == 2, "the second attempt")
    assert bench.rows.job(job_id).restarts == 1


@on_both
@pytest.mark.parametrize(("model", "code", "attempts"), [("killed", "crashed", 3), ("crash", "crashed", 2)])
def test_a_child_that_is_killed_is_begun_again_more_often_than_one_that_crashes(
    bench: Any, worker: Worker, monkeypatch: pytest.MonkeyPatch, model: str, code: str, attempts: int
) -> None:
    monkeypatch.setattr("app.jobs.finishing.FIRST_PAUSE_SECONDS", 0.01)
    job_id = bench.rows.training(model)
    job = bench.ended(job_id)
    assert (job.state, job.error["code"], job.error["retryable"]) == ("failed", code, True)
    assert job.attempt == attempts


@on_both
def test_a_worker_that_is_drained_hands_its_job_back_and_takes_no_other(
    bench: Any, worker: Worker, database: Database
) -> None:
    job_id = bench.rows.training("wait")
    pids = bench.pids(job_id)
    with database.write() as session:
        [shown] = listed(session)
        assert (shown.state, shown.jobs, shown.slots) == ("working", [job_id], {"training": 1, "light": 1})
        drain(session, shown.id)
    job = reaches(bench, job_id, "queued")
    assert (bench.alive(pids), job.restarts, job.worker) == ([], 0, None)
    with database.read() as session:
        assert listed(session)[0].state == "drained"
    worker.stop()
    with database.read() as session:
        assert listed(session) == []


def test_a_job_whose_order_finds_no_room_is_begun_again_when_there_is_some(
    *,
    bench: Any,
    worker: Worker,
    settings: Settings,
    small_disk: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.stop()
    monkeypatch.setattr("app.jobs.finishing.FIRST_PAUSE_SECONDS", 0.2)
    disk = small_disk(tmp_path / "disk")
    short = settings.model_copy(update={"data_dir": disk, "free_bytes": 0, "restarts": 50})
    another = Worker(short, programs={"training": Program("scripted_child")}, limits=LIMITS)
    another.start()
    try:
        filler = filled(disk)
        job_id = bench.rows.training("train")
        bench.until(lambda: bench.rows.job(job_id).restarts, "an attempt that finds no room")
        [warning, *_] = bench.rows.events(job_id, "log")
        assert warning.data["message"].startswith("There is no room left")
        filler.unlink()
        assert bench.ended(job_id).state == "succeeded"
    finally:
        another.stop()


def test_no_job_is_begun_where_there_is_no_room(
    bench: Any, worker: Worker, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    worker.stop()
    job_id = bench.rows.training("train")
    programs = {"training": Program("scripted_child")}
    for free, state in ((2**62, "queued"), (0, "succeeded")):
        another = Worker(settings.model_copy(update={"free_bytes": free}), programs=programs, limits=LIMITS)
        another.start()
        if state == "queued":
            bench.until(lambda: "no jobs are begun" in caplog.text, "the worker to notice")
        else:
            bench.ended(job_id)
        another.stop()
        assert bench.rows.job(job_id).state == state
