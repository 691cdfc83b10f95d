"""The servers that are compared: started on one core, awaited, asked for their memory, ended."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.published import Published
from keraforge.up.claim import listen
from keraforge.up.programs import HTTP, environment_of, web_command

START_SECONDS = 120.0
STOP_SECONDS = 10.0
LOG_CHARACTERS = 2000


@dataclass(frozen=True)
class Server:
    """A running server; ``ready_seconds`` is the time from its start to its first good answer."""

    pid: int
    port: int
    ready_seconds: float

    def processor_seconds(self) -> float:
        """Return the processor time used until now, by its own process and those below it."""
        ticks = 0
        for pid in _family(self.pid):
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Return the resident memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def loaded(self, library: str) -> bool:
        """Tell whether a file of a library is mapped into the process."""
        return f"/{library}/" in Path(f"/proc/{self.pid}/maps").read_text()


@contextmanager
def keraforge(published: Published, cores: set[int], http: str = HTTP) -> Iterator[Server]:
    """Run the web process as ``keraforge up`` does; ``http`` is what it speaks on a connection."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        environment = environment_of(published.settings.model_copy(update={"port": port}))
        command = web_command(listener.fileno(), http)
        with running(
            command, environment, cores, url=f"http://127.0.0.1:{port}/readyz", inherited=(listener.fileno(),)
        ) as server:
            yield server


@contextmanager
def plain(published: Published, cores: set[int]) -> Iterator[Server]:
    """Run the baseline with uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**os.environ, "NETWORK": str(published.keras_file), "TF_CPP_MIN_LOG_LEVEL": "3"}
    options = ["--port", str(port), "--log-level", "error", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", "benchmarks.baseline:app", *options]
    with running(command, environment, cores, url=f"http://127.0.0.1:{port}/openapi.json") as server:
        yield server


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    cores: set[int],
    *,
    url: str,
    inherited: tuple[int, ...] = (),
    folder: Path | None = None,
) -> Iterator[Server]:
    """Run a command on some cores until ``url`` answers; end it afterwards."""
    began = time.perf_counter()
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *command]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            pinned,
            env=environment,
            pass_fds=inherited,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _answers(process, url):
                log.seek(0)
                raise SystemExit(f"{url} did not answer\n{log.read()[-LOG_CHARACTERS:]}")
            yield Server(process.pid, urlsplit(url).port, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            # Some servers leave without their own children.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _family(pid: int) -> list[int]:
    """Return a process and all below it; some servers give theirs sessions of their own."""
    family = [pid]
    for each in family:
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{each}/task").iterdir():
                family += map(int, (task / "children").read_text().split())
    return family


def _answers(process: subprocess.Popen, url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    return False
