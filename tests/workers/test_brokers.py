"""Rings reach a real Celery worker over each broker, and jobs run when they do not."""

import signal
from pathlib import Path
from typing import Any

import pytest
from brokers import broker_of

from app.doorbell import Doorbell
from app.settings import Settings

AN_HOUR = "3600"
SERVERS = ["redis", "rabbitmq"]


@pytest.fixture(params=["folder", *SERVERS])
def broker(request: pytest.FixtureRequest) -> Any:
    """A broker that has not been started; a folder needs no start."""
    return broker_of(request)


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, broker: Any) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=sqlite_url,
        broker_url=broker.url,
        warm_start=False,
    )


@pytest.fixture
def _no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_SECONDS", AN_HOUR)


@pytest.mark.usefixtures("_no_polling")
def test_a_ring_wakes_a_slot_of_its_sort(bench: Any, start_worker: Any, broker: Any) -> None:
    broker.start()
    start_worker(bench.settings)
    # Work that was there before the worker needs no ring; when it is done, the slots sleep.
    for job_id in (bench.rows.training("train"), bench.rows.reading()):
        bench.ended(job_id)
    for job_id in (bench.rows.training("train"), bench.rows.reading()):
        assert bench.ended(job_id).state == "succeeded"


def test_a_worker_leaves_in_order_whatever_its_broker(bench: Any, start_worker: Any, broker: Any) -> None:
    broker.start()
    worker = start_worker(bench.settings)
    job_id = bench.rows.training("wait")
    bench.pids(job_id)
    assert worker.stop() == 0
    assert bench.rows.job(job_id).state == "queued"


@pytest.mark.parametrize("broker", SERVERS, indirect=True)
@pytest.mark.parametrize("fault", ["gone", "frozen"])
def test_a_job_runs_without_its_broker(
    bench: Any, start_worker: Any, broker: Any, doorbell: Doorbell, fault: str
) -> None:
    broker.kill()
    if fault == "frozen":
        broker.start()
        broker.signal(signal.SIGSTOP)
    worker = start_worker(bench.settings)
    assert bench.ended(bench.rows.training("train")).state == "succeeded"
    bench.until(lambda: doorbell.failed, "the doorbell to notice")
    assert worker.stop() == 0


@pytest.mark.parametrize("broker", SERVERS, indirect=True)
@pytest.mark.usefixtures("_no_polling")
def test_rings_are_heard_again_when_the_broker_is_back(
    bench: Any, start_worker: Any, broker: Any, doorbell: Doorbell
) -> None:
    broker.start()
    start_worker(bench.settings)
    bench.ended(bench.rows.training("train"))
    broker.kill()
    job_id = bench.rows.training("train")
    bench.until(lambda: doorbell.failed, "the doorbell to notice")
    broker.start()

    def rung_and_ended() -> bool:
        doorbell.ring(frozenset({"training"}))
        return bool(bench.rows.job(job_id).state == "succeeded")

    bench.until(rung_and_ended, "the worker to hear a ring")
