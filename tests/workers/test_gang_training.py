"""A real training that two real workers do together, and that loses a member on its way."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes are children"),
]
WORKER = (sys.executable, "-P", "-m", "workers.celery_app")
DEADLINE_SECONDS = 600
NETWORK = {"family": "cnn", "blocks": [{"filters": 8, "pooling": "max"}], "dense": [16]}


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("KERAFORGE_GANG_HOST", "127.0.0.1")
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "one",
        database_url=postgres_url,
        warm_start=False,
        reconcile_seconds=1.0,
        heartbeat_seconds=1.0,
    )


def trainers(process: int) -> list[int]:
    """Return the trainers that a worker runs."""
    found = []
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        for child in tasks.read_text().split():
            command = Path(f"/proc/{child}/cmdline")
            if command.exists() and b"workers.children.trainer" in command.read_bytes():
                found.append(int(child))
    return found


def ended(bench: Any, job: str) -> Any:
    """Wait for a job's end, which two trainings on a busy machine may take long to reach."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while bench.rows.job(job).finished_at is None:
        assert time.monotonic() < deadline, f"{job} is {bench.rows.job(job).state}"
        time.sleep(0.1)
    return bench.rows.job(job)


def losses(bench: Any, job: str) -> list[float]:
    return [event.data["metrics"]["loss"] for event in bench.rows.events(job, "epoch")]


def test_a_gang_learns_what_one_slot_does_although_it_loses_a_member(
    bench: Any, start_worker: Callable[..., Any], tmp_path: Path
) -> None:
    other = bench.settings.model_copy(update={"data_dir": tmp_path / "two"})
    for settings in (bench.settings, other):
        settings.data_dir.mkdir()
    (bench.settings.data_dir / "objects").mkdir()
    # Both workers see one store.
    (other.data_dir / "objects").symlink_to(bench.settings.data_dir / "objects")
    first, second = (start_worker(settings, WORKER) for settings in (bench.settings, other))
    version = bench.rows.version("reading", schema=None, options={})
    requests = {slots: {"network": NETWORK, "training": {"epochs": 30, "slots": slots}} for slots in (1, 2)}
    jobs = {
        slots: bench.rows.training("digits", version=version, resolved=None, request=request)
        for slots, request in requests.items()
    }
    assert ended(bench, bench.rows.reading(version=version)).state == "succeeded"
    assert ended(bench, jobs[1]).state == "succeeded"
    while len(losses(bench, jobs[2])) <= 3:
        assert bench.rows.job(jobs[2]).finished_at is None
        time.sleep(0.02)
    chief = first if bench.rows.job(jobs[2]).worker == _name(bench.settings) else second
    [member] = trainers((second if chief is first else first).process.pid)
    os.kill(member, signal.SIGKILL)
    job = ended(bench, jobs[2])
    assert (job.state, job.attempt) == ("succeeded", 2)
    assert job.checkpoint["epoch"] >= 3
    alone, together = (losses(bench, jobs[slots]) for slots in (1, 2))
    assert together[:5] == pytest.approx(alone[:5], abs=1e-5)
    # What rounding makes of a thousand steps.
    assert together == pytest.approx(alone, abs=1e-3)


def _name(settings: Settings) -> str:
    return (settings.data_dir / "worker.lock").read_text().strip()
