"""The service in parts: ``keraforge migrate``, ``keraforge web`` and ``keraforge worker``, each by itself."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

import keraforge
from app.database import Database

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

Wait = Callable[[Callable[[], bool], str], None]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False


def is_alive(part: str, folder: Path, port: int) -> bool:
    """Return what the command says that watches containers."""
    environment = {"KERAFORGE_DATA_DIR": str(folder), "KERAFORGE_PORT": str(port)}
    command = [sys.executable, "-P", "-m", "keraforge.up.alive", part]
    return subprocess.run(command, env=os.environ | environment, check=False).returncode == 0


@pytest.mark.parametrize("part", ["web", "worker"])
def test_a_part_refuses_a_database_that_is_not_migrated(run: Any, part: str) -> None:
    command = run(part)
    assert command.ended() == 1
    assert command.output.startswith("Error: Cannot start: the database is empty, and this version")
    assert command.output.endswith("run `keraforge migrate` first.\n")
    assert command.relatives() == {}


def test_a_part_refuses_a_database_of_a_newer_version(run: Any) -> None:
    assert run("migrate").ended() == 0
    folder = run("migrate").folder
    with closing(Database(f"sqlite:///{folder}/keraforge.db")) as database, database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for part in ("migrate", "web", "worker"):
        command = run(part)
        assert command.ended() == 1
        assert "schema revision '9999', which this version of Keraforge does not know" in command.output
        assert command.output.count("\n") == 1


def test_the_parts_are_the_whole_service(run: Any, port: int, wait_until: Wait) -> None:
    assert run("migrate").ended() == 0
    web, worker = run("web", "--port", str(port)), run("worker")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_ready(url), "the web process")
    key = (web.folder / "api-key").read_text().strip()
    with keraforge.Client(url=url, key=key) as client:
        client.datasets.create("digits", builtin="digits")
        assert client.datasets.wait("digits", timeout=120).state == "ready"
    wait_until(lambda: is_alive("worker", web.folder, port), "the worker's sign of life")
    assert is_alive("web", web.folder, port)
    # Nothing stands between whoever started a part and its program.
    assert "uvicorn" in web.relatives()[web.process.pid]
    assert "workers.celery_app" in worker.relatives()[worker.process.pid]
    for part in (worker, web):
        part.process.terminate()
    assert worker.ended() == 0
    # uvicorn ends by the signal that it was sent, when it has finished.
    assert web.ended() == -signal.SIGTERM
    assert "Traceback" not in web.output + worker.output
    assert web.relatives() == {}


def test_several_web_processes_share_a_port_without_up(run: Any, port: int, wait_until: Wait) -> None:
    assert run("migrate").ended() == 0
    web = run("web", "--port", str(port), "--web-processes", "2")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_ready(url), "the web processes")
    pids = [pid for pid, line in web.relatives().items() if "uvicorn" in line]
    assert len(pids) == 2
    os.kill(pids[0], signal.SIGKILL)
    assert httpx.get(f"{url}/healthz", timeout=60).is_success
    web.wait_for("starting it again in 0.5 s")
    web.process.terminate()
    assert web.ended() == 0
    assert web.relatives() == {}
