"""Real brokers, and real workers that run jobs with scripted children."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rabbit import Rabbit

from app.database import Database
from app.doorbell import Doorbell
from app.settings import Settings
from app.tables import Job

PROGRAMS = Path(__file__).parent / "programs"
TIMES = ("lease_seconds", "heartbeat_seconds", "reconcile_seconds")
SCRIPTED = (sys.executable, "-P", PROGRAMS / "scripted_worker.py")


@pytest.fixture(autouse=True)
def _no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a test has the GPUs that the test gives it, whatever the machine has."""
    monkeypatch.setenv("KERAFORGE_DEVICES", "none")


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """The RabbitMQ of all tests, since its first start takes ten seconds."""
    with closing(Rabbit(tmp_path_factory.mktemp("rabbit"))) as server:
        yield server


@pytest.fixture
def rabbit(rabbit_server: Rabbit) -> Rabbit:
    """RabbitMQ without any message; it may have to be started."""
    rabbit_server.begin()
    return rabbit_server


class WorkerProcess:
    """A worker in a process of its own; its log goes to a file."""

    def __init__(self, settings: Settings, log: Path, command: Sequence[Path | str]) -> None:
        self.log = log
        values = {"data_dir": settings.data_dir, "broker_url": settings.broker_url}
        values |= {"database_url": settings.database_url, "warm_start": settings.warm_start}
        values |= {name: getattr(settings, name) for name in TIMES}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
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
def start_worker(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers; they end with the test, which shows their log if it fails."""
    workers: list[WorkerProcess] = []

    def start(settings: Settings, command: Sequence[Path | str] = SCRIPTED) -> WorkerProcess:
        worker = WorkerProcess(settings, tmp_path / "worker.log", command)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
    for log in {worker.log for worker in workers}:
        print(log.read_text())  # noqa: T201 - pytest shows it beside a failure


TERMINAL = {"succeeded", "failed", "cancelled"}


class Bench:
    """Jobs of one data folder, and waiting for what becomes of them."""

    def __init__(self, rows: Any, settings: Settings, until: Callable[..., Any]) -> None:
        self.rows, self.settings, self.until = rows, settings, until

    def ended(self, job_id: str) -> Any:
        """Wait for a job's end and return it."""
        self.until(lambda: self.rows.job(job_id).state in TERMINAL, f"the end of {job_id}")
        return self.rows.job(job_id)

    def pids(self, job_id: str) -> list[int]:
        """Return the processes of a child that runs until it is told to stop."""
        path = self.settings.data_dir / "orders" / f"{job_id}.pid"
        return [
            int(pid) for pid in self.until(lambda: path.exists() and path.read_text().split(), "the child")
        ]

    def move(self, job_id: str, state: str, stopping: Any = None) -> None:
        """Put a job into a state as a request would, while a process is ``stopping`` for good, if any.

        It stops outside of its own transactions, for this one is open: it could never end those.
        """
        with self.rows.database.write() as session:
            job = session.get_one(Job, job_id)
            if stopping is not None:
                stopping.send_signal(signal.SIGSTOP)
            job.state = state

    def alive(self, pids: list[int]) -> list[int]:
        """Return those of some processes that still run."""
        return [pid for pid in pids if _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Settings of a worker whose children are all started from nothing."""
    return Settings(_env_file=None, data_dir=tmp_path / "data", database_url=sqlite_url, warm_start=False)


@pytest.fixture
def doorbell(settings: Settings) -> Iterator[Doorbell]:
    """The doorbell of :func:`settings`."""
    doorbell = Doorbell(settings)
    yield doorbell
    doorbell.close()


@pytest.fixture
def database(settings: Settings, doorbell: Doorbell) -> Iterator[Database]:
    """The database of :func:`settings`; what is committed is rung for."""
    database = Database(settings.resolved_database_url, on_commit=doorbell.ring)
    yield database
    database.close()


@pytest.fixture
def bench(rows: Any, settings: Settings, until: Callable[..., Any]) -> Bench:
    """Jobs of :func:`settings`."""
    return Bench(rows, settings, until)
