"""Jobs that two real workers train together; their children are scripted."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.settings import Settings
from app.tables import Seat, Worker

on_both = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a worker that takes part in gangs, and is missed when a test says that its time is over."""
    monkeypatch.setenv("KERAFORGE_GANG_HOST", "127.0.0.1")
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=request.getfixturevalue(f"{kind}_url"),
        warm_start=False,
        lease_seconds=60.0,
        heartbeat_seconds=0.4,
        reconcile_seconds=0.4,
    )


class Pair:
    """Two workers on one database."""

    def __init__(self, bench: Any, start: Callable[..., Any]) -> None:
        self._bench, self._start = bench, start
        self.settings = [
            bench.settings.model_copy(update={"data_dir": bench.settings.data_dir.with_name(name)})
            for name in ("one", "two")
        ]
        self.processes = [start(settings) for settings in self.settings]

    def restart(self, number: int) -> None:
        self.processes[number] = self._start(self.settings[number])

    def lose(self, number: int) -> None:
        """Kill a worker, and have the time be over after which it is missed."""
        name = (self.settings[number].data_dir / "worker.lock").read_text().strip()
        self.processes[number].kill()
        with self._bench.rows.database.write() as session:
            for lease, whose in ((Worker, Worker.id), (Seat, Seat.worker)):
                session.execute(update(lease).where(whose == name).values(heard_until=0.0))

    def children(self, job: str, attempt: int) -> dict[int, tuple[int, int]]:
        """Return of each rank in an attempt the worker, 0 or 1, and the process."""

        def found() -> dict[int, tuple[int, int]]:
            there = {}
            for number, settings in enumerate(self.settings):
                for path in (settings.data_dir / "orders").glob(f"{job}.{attempt}.*.pid"):
                    if pid := path.read_text():
                        there[int(path.name.split(".")[-2])] = (number, int(pid))
            return there if len(there) == 2 else {}

        children: dict[int, tuple[int, int]] = self._bench.until(found, "both children")
        return children


@pytest.fixture
def pair(bench: Any, start_worker: Callable[..., Any]) -> Pair:
    return Pair(bench, start_worker)


@on_both
def test_two_workers_begin_together_and_again_when_a_member_is_killed(bench: Any, pair: Pair) -> None:
    job_id = bench.rows.training("gang", slots=2)
    first = pair.children(job_id, 1)
    assert {number for number, _ in first.values()} == {0, 1}
    # The chief alone is listened to.
    [line] = bench.until(lambda: bench.rows.events(job_id, "log"), "the chief's word")
    told = json.loads(line.data["message"])
    assert told["rank"] == 0
    assert [address.partition(":")[0] for address in told["addresses"]] == ["127.0.0.1"] * 2
    os.kill(first[1][1], signal.SIGKILL)
    second = pair.children(job_id, 2)
    job = bench.rows.job(job_id)
    assert (job.state, job.attempt, job.restarts) == ("running", 2, 1)
    assert bench.alive([pid for _, pid in first.values()]) == []
    assert len(bench.alive([pid for _, pid in second.values()])) == 2


def test_a_gang_that_is_cancelled_is_dead_when_the_state_says_so(bench: Any, pair: Pair) -> None:
    job_id = bench.rows.training("gang", slots=2)
    pids = [pid for _, pid in pair.children(job_id, 1).values()]
    bench.move(job_id, "cancelling")
    assert bench.ended(job_id).state == "cancelled"
    assert bench.alive(pids) == []


def test_a_member_whose_worker_is_killed_is_replaced_when_there_is_another(bench: Any, pair: Pair) -> None:
    job_id = bench.rows.training("gang", slots=2)
    number, _ = pair.children(job_id, 1)[1]
    pair.lose(number)
    bench.until(lambda: bench.rows.job(job_id).state == "queued", "the gang's end")
    # One slot makes no gang, and is not kept from other work.
    assert bench.ended(bench.rows.training("train")).state == "succeeded"
    pair.restart(number)
    assert len(pair.children(job_id, 2)) == 2
    assert bench.rows.job(job_id).state == "running"


def test_a_member_whose_worker_leaves_in_order_costs_no_restart(bench: Any, pair: Pair) -> None:
    job_id = bench.rows.training("gang", slots=2)
    number, _ = pair.children(job_id, 1)[1]
    assert pair.processes[number].stop() == 0
    bench.until(lambda: bench.rows.job(job_id).state == "queued", "the gang's end")
    assert bench.rows.job(job_id).restarts == 0
