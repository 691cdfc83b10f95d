"""Web process and worker are replaced under load: who tries again sees no failure, and no job is charged."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from brokers import free_port

from app.database import Database
from app.keys import service as keys
from app.settings import Settings
from app.tables import Dataset, DatasetVersion

ROUNDS, JOBS = 2, 10
# What a client may be told while a process is replaced: nothing, or to try again.
AGAIN = {503}


class Web:
    """A web process on a port that stays the same, whoever listens there."""

    def __init__(self, settings: Settings) -> None:
        names = ("data_dir", "database_url", "port")
        own = {f"KERAFORGE_{name.upper()}": str(getattr(settings, name)) for name in names}
        self.url = f"http://127.0.0.1:{settings.port}"
        self._environment = os.environ | own
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "keraforge", "web"]
        self._process = subprocess.Popen(command, env=self._environment)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None


class Client:
    """Tries again until it is answered; what it was told that it does not try again for is a failure."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60, verify=False)
        self.failures: list[str] = []

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON of the answer."""
        while True:
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError:
                continue
            if answer.status_code in AGAIN:
                continue
            if not answer.is_success:
                self.failures.append(f"{method} {path}: {answer.status_code} {answer.text}")
            return answer.json()


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a condition holds, for longer than elsewhere: many processes are started here."""

    def wait(condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + 240
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=sqlite_url,
        port=free_port(),
        warm_start=False,
    )


@pytest.fixture
def web(settings: Settings) -> Iterator[Web]:
    web = Web(settings)
    web.start()
    yield web
    web.stop()


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """What is to be closed when nobody asks any more."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.long
def test_replacing_the_web_process_and_the_worker_costs_a_client_nothing(
    *,
    bench: Any,
    database: Database,
    web: Web,
    start_worker: Any,
    until: Callable[..., Any],
    clients: ExitStack,
) -> None:
    with database.write() as session:
        _, key = keys.create(session, "test", ["admin"])
    client = clients.enter_context(closing(Client(web.url, key)))
    version = bench.rows.get(DatasetVersion, bench.rows.version())
    dataset = f"{bench.rows.get(Dataset, version.dataset_id).name}@1"
    accepted: list[str] = []
    enough = threading.Event()

    def submit(name: str) -> None:
        own = clients.enter_context(closing(Client(web.url, key)))
        body = {"model": "train", "dataset": dataset, "network": {"preset": "cnn-small"}}
        for count in itertools.takewhile(lambda _: not enough.wait(0.1), itertools.count()):
            # When there are enough, what was answered is asked for again.
            once = {"Idempotency-Key": f"{name}-{count % JOBS}"}
            job = own.ask("POST", "/api/v1/jobs", json=body, headers=once)["id"]
            accepted.append(job)
            own.ask("GET", f"/api/v1/jobs/{job}")
        client.failures.extend(own.failures)

    worker = start_worker(bench.settings)
    # It runs until it is told to leave, so that each worker has something to hand back.
    waiting = bench.rows.training("wait", priority=100)
    bench.pids(waiting)
    threads = [threading.Thread(target=submit, args=(f"client-{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(ROUNDS):
        more = len(accepted) + 5
        until(lambda more=more: len(accepted) >= more, "more jobs")
        [found] = client.ask("GET", "/api/v1/workers")["items"]
        client.ask("POST", f"/api/v1/workers/{found['id']}/drain")
        until(
            lambda: client.ask("GET", "/api/v1/workers")["items"][0]["state"] == "drained",
            "the jobs handed back",
        )
        attempt = bench.rows.job(waiting).attempt
        assert worker.stop() == 0
        worker = start_worker(bench.settings)
        until(lambda attempt=attempt: bench.rows.job(waiting).attempt > attempt, "the next worker")
        web.stop()
        web.start()
    enough.set()
    for thread in threads:
        thread.join(240)
        assert not thread.is_alive()
    client.ask("POST", f"/api/v1/jobs/{waiting}/cancel")
    jobs = set(accepted)
    assert {bench.ended(job).state for job in jobs} == {"succeeded"}
    assert {bench.rows.job(job).restarts for job in (waiting, *jobs)} == {0}
    assert len(jobs) <= len(threads) * JOBS
    assert client.failures == []
