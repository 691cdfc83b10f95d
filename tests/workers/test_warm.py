"""Children that are forked from a fork server, which has loaded a module of the standard library only."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.settings import Settings
from workers import warm
from workers.child import Program
from workers.starting import FAILURES_BORNE
from workers.supervisor import Limits
from workers.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a fork server with its slot")

LIMITS = Limits(first_event=1.0, silence=5.0, cancel_grace=0.5, drain_grace=0.5)


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", database_url=sqlite_url, restarts=0)


@pytest.fixture
def preload() -> tuple[str, ...]:
    return ("colorsys",)


@pytest.fixture
def worker(settings: Settings, preload: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "programs"))
    programs = {"training": Program("scripted_child", preload), "reading": Program("scripted_child")}
    worker = Worker(settings, programs=programs, limits=LIMITS)
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def database(settings: Settings, worker: Worker) -> Iterator[Database]:
    database = Database(settings.resolved_database_url, on_commit=worker.ring)
    yield database
    database.close()


def origin(bench: Any, model: str = "origin") -> str:
    """Run a job and return how its child was started."""
    job = bench.ended(bench.rows.training(model))
    assert job.state == "succeeded"
    message: str = bench.rows.events(job.id, "log")[0].data["message"]
    return message


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_one_server_starts_every_child(bench: Any) -> None:
    assert [origin(bench) for _ in range(3)] == ["forked"] * 3
    servers = []
    for _ in range(2):
        job_id = bench.rows.training("wait")
        servers.append(parent_of(bench.pids(job_id)[0]))
        bench.move(job_id, "cancelling")
        bench.ended(job_id)
    assert servers[0] == servers[1] != os.getpid()


@pytest.mark.parametrize("model", ["crash", "killed", "leave", "fail"])
def test_a_child_that_ends_badly_leaves_its_server_in_order(bench: Any, model: str) -> None:
    job = bench.ended(bench.rows.training(model))
    assert (job.state, job.error["code"]) == ("failed", "diverged" if model == "fail" else "crashed")
    assert origin(bench) == "forked"


def test_a_forked_child_is_dead_when_the_state_says_cancelled(bench: Any) -> None:
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    bench.move(job_id, "cancelling")
    assert bench.ended(job_id).state == "cancelled"
    assert bench.alive(pids) == []
    assert origin(bench) == "forked"


def test_a_forked_child_that_gives_no_sign_of_life_is_started_cold(bench: Any) -> None:
    assert origin(bench, "mute") == "cold"
    assert origin(bench) == "forked"


def test_a_server_that_is_gone_costs_one_warm_start(bench: Any) -> None:
    job_id = bench.rows.training("wait")
    pids = bench.pids(job_id)
    os.kill(parent_of(pids[0]), signal.SIGKILL)
    job = bench.ended(job_id)
    assert (job.state, job.error["code"]) == ("failed", "crashed")
    assert bench.alive(pids) == []
    assert [origin(bench) for _ in range(2)] == ["cold", "forked"]


def test_a_server_that_hangs_does_not_hold_its_slot_for_ever(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "FORKING_SECONDS", 0.5)
    job_id = bench.rows.training("deaf")
    pids = bench.pids(job_id)
    os.kill(parent_of(pids[0]), signal.SIGSTOP)
    bench.move(job_id, "cancelling")
    assert bench.ended(job_id).state == "cancelled"
    assert bench.alive(pids) == []
    assert [origin(bench) for _ in range(2)] == ["cold", "forked"]


@pytest.mark.parametrize("preload", [("no_such_module",)])
def test_a_warm_start_that_never_works_is_given_up(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert [origin(bench) for _ in range(2)] == ["cold", "cold"]
    assert caplog.text.count("No module named 'no_such_module'") == FAILURES_BORNE


def test_the_server_leaves_with_the_worker(bench: Any, worker: Worker) -> None:
    job_id = bench.rows.training("wait")
    pids = bench.pids(job_id)
    server = parent_of(pids[0])
    worker.stop()
    assert bench.alive([*pids, server]) == []
    assert bench.rows.job(job_id).state == "queued"
