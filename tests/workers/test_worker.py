"""A real Celery worker in a process of its own; only its children are scripted."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from app.broker import create_celery
from app.doorbell import Doorbell
from app.settings import Settings


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Settings:
    """Settings of a worker that is soon missed."""
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=request.getfixturevalue(f"{kind}_url"),
        warm_start=False,
        lease_seconds=2.0,
        heartbeat_seconds=0.4,
        reconcile_seconds=0.4,
    )


@pytest.fixture
def other_settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of another worker on the same database."""
    return settings.model_copy(update={"data_dir": tmp_path / "other"})


@pytest.mark.parametrize("model", ["wait", "deaf"])
def test_a_worker_that_is_told_to_leave_hands_its_job_back(bench: Any, start_worker: Any, model: str) -> None:
    worker = start_worker(bench.settings)
    job_id = bench.rows.training(model)
    pids = bench.pids(job_id)
    assert worker.stop() == 0
    assert bench.alive(pids) == []
    job = bench.rows.job(job_id)
    assert (job.state, job.attempt, job.worker) == ("queued", 1, None)


def test_what_a_killed_worker_ran_is_begun_again_at_its_next_start(bench: Any, start_worker: Any) -> None:
    worker = start_worker(bench.settings)
    training, reading = bench.rows.training("deaf"), bench.rows.reading(wait=True)
    pids = bench.pids(training) + bench.pids(reading)
    worker.kill()
    bench.until(lambda: not bench.alive([pids[0], pids[2]]), "the children's end")
    assert (bench.rows.job(training).state, bench.rows.job(reading).state) == ("running", "running")
    os.kill(pids[1], signal.SIGKILL)
    start_worker(bench.settings)
    for job_id in (training, reading):
        bench.until(lambda: bench.rows.job(job_id).attempt == 2, "the second attempt")  # noqa: B023
        assert (bench.rows.job(job_id).state, bench.rows.job(job_id).restarts) == ("running", 1)
    # What a child starts is beyond the kernel's promise; the next one's goes with its job.
    bench.move(training, "cancelling")
    assert bench.ended(training).state == "cancelled"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a fork server with its slot")
def test_a_fork_server_and_its_child_die_with_a_killed_worker(bench: Any, start_worker: Any) -> None:
    worker = start_worker(bench.settings.model_copy(update={"warm_start": True}))
    [child, own] = bench.pids(bench.rows.training("deaf"))
    server = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    assert server != worker.process.pid
    worker.kill()
    bench.until(lambda: not bench.alive([child, server]), "the end of both")
    # What a child starts is beyond the kernel's promise; trainers start nothing.
    os.kill(own, signal.SIGKILL)


def test_a_cancel_that_the_worker_died_in_is_completed(bench: Any, start_worker: Any) -> None:
    worker = start_worker(bench.settings)
    job_id = bench.rows.training("wait")
    bench.pids(job_id)
    bench.move(job_id, "cancelling", stopping=worker.process)
    worker.kill()
    start_worker(bench.settings)
    assert bench.ended(job_id).state == "cancelled"


def test_a_second_worker_on_one_data_folder_is_refused(bench: Any, start_worker: Any) -> None:
    first = start_worker(bench.settings)
    job_id = bench.rows.training("wait")
    bench.pids(job_id)
    second = start_worker(bench.settings)
    assert second.process.wait(timeout=60) == 1
    assert "another worker already works on" in second.log.read_text()
    assert (first.process.poll(), bench.rows.job(job_id).state) == (None, "running")


def test_a_ring_that_comes_twice_runs_nothing_twice(
    bench: Any, start_worker: Any, doorbell: Doorbell
) -> None:
    start_worker(bench.settings)
    celery = create_celery(bench.settings, "publisher")
    jobs = [bench.rows.training("train") for _ in range(5)]
    for _ in range(20):
        celery.send_task("ring", args=["training"], queue="training")
        celery.send_task("ring", args=["nonsense"], queue="light")
    assert [bench.ended(job_id).attempt for job_id in jobs] == [1] * 5
    assert {bench.rows.job(job_id).state for job_id in jobs} == {"succeeded"}


@pytest.mark.parametrize("kind", ["postgres"])
def test_what_a_killed_worker_ran_another_worker_takes_over(
    bench: Any, start_worker: Any, other_settings: Settings
) -> None:
    worker = start_worker(bench.settings)
    job_id = bench.rows.training("resuming")
    bench.until(lambda: bench.rows.events(job_id, "checkpoint"), "the first checkpoint")
    first = bench.rows.job(job_id).worker
    worker.kill()
    start_worker(other_settings)
    bench.until(lambda: bench.rows.job(job_id).attempt == 2, "the second attempt")
    job = bench.rows.job(job_id)
    assert (job.state, job.restarts, job.worker != first) == ("running", 0, True)


@pytest.mark.parametrize("kind", ["postgres"])
def test_a_worker_that_was_stopped_for_longer_than_its_lease_gives_up_what_it_lost(
    bench: Any, start_worker: Any, other_settings: Settings
) -> None:
    sleeper = start_worker(bench.settings)
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    sleeper.process.send_signal(signal.SIGSTOP)
    start_worker(other_settings)
    bench.until(lambda: bench.rows.job(job_id).attempt == 2, "the second attempt")
    assert bench.alive(pids) == pids
    sleeper.process.send_signal(signal.SIGCONT)
    bench.until(lambda: not bench.alive(pids), "the end of the first child")
    job = bench.rows.job(job_id)
    assert (job.state, job.attempt) == ("running", 2)
