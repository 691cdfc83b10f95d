"""A broker that dies, is emptied or is full loses nothing: submits are answered, and jobs are done."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from brokers import broker_of
from starlette.testclient import TestClient

from app.database import Database
from app.keys import service as keys
from app.main import create_app
from app.settings import Settings
from app.tables import Dataset, DatasetVersion

JOBS = 6


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Any:
    """A broker that runs."""
    broker = broker_of(request)
    broker.start()
    return broker


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
def client(settings: Settings, database: Database) -> Iterator[TestClient]:
    """A client of a web process that rings over the broker."""
    with database.write() as session:
        headers = {"Authorization": f"Bearer {keys.create(session, 'test', ['admin'])[1]}"}
    with TestClient(create_app(settings), base_url="http://localhost", headers=headers) as client:
        yield client


def dies(broker: Any) -> None:
    broker.kill()


def fill(server: redis.Redis) -> None:
    for number in range(100_000):
        server.set(f"junk-{number}", "x" * 1000)


def is_full(broker: Any) -> None:
    with redis.Redis.from_url(broker.url) as server:
        server.config_set("maxmemory", "2mb")
        server.config_set("maxmemory-policy", "noeviction")
        with pytest.raises(redis.OutOfMemoryError):
            fill(server)


def is_emptied_again_and_again(broker: Any) -> None:
    def empty() -> None:
        with redis.Redis.from_url(broker.url) as server:
            try:
                while True:
                    server.flushall()
                    time.sleep(0.01)
            except redis.ConnectionError:
                return

    threading.Thread(target=empty, daemon=True).start()


@pytest.mark.parametrize(
    ("broker", "fault"),
    [
        ("redis", dies),
        ("redis", is_full),
        ("redis", is_emptied_again_and_again),
        ("rabbitmq", dies),
    ],
    indirect=["broker"],
)
def test_submits_are_answered_and_all_jobs_are_done_when_the_broker(
    bench: Any, start_worker: Any, client: TestClient, broker: Any, fault: Callable[[Any], None]
) -> None:
    start_worker(bench.settings)
    version = bench.rows.get(DatasetVersion, bench.rows.version())
    dataset = bench.rows.get(Dataset, version.dataset_id)

    def submit() -> str:
        body = {"model": "train", "dataset": f"{dataset.name}@1", "network": {"preset": "cnn-small"}}
        answer = client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    assert bench.ended(submit()).state == "succeeded"
    fault(broker)
    jobs = [submit() for _ in range(JOBS)]
    assert [bench.ended(job).state for job in jobs] == ["succeeded"] * JOBS
    assert {bench.rows.job(job).attempt for job in jobs} == {1}
