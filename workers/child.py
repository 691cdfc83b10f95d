"""A child: one program that runs one order, in a process group of its own.

It has three pipes: one for its events, one for whatever else it prints, and a standard input on which it may
be told to finish early and whose end tells it to leave. It knows no address and no password of the database
or the broker.
"""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workers.protocol import STOP_LINE

REAPING_SECONDS = 0.01
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "XDG_CACHE_HOME", "MPLCONFIGDIR",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
    # What is fetched may have to go through a proxy; programs know it by either spelling.
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A child's program: a module with ``main(order_dir, events_fd) -> int``, also run by ``python -m``.

    ``preload`` names the modules that a warm start has loaded already; empty means that it has no warm start.
    """

    module: str
    preload: tuple[str, ...] = ()


class Child(ABC):
    """A running child, from the outside. Whoever starts it closes it, in the same thread."""

    def __init__(self, pid: int, pipes: "Pipes") -> None:
        self.pid = pid
        self.events = pipes.events
        self.output = pipes.output
        self._pipes = pipes

    @abstractmethod
    def status(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""

    def stop(self) -> None:
        """Ask it to leave in order."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def finish(self) -> None:
        """Ask it to finish early, with a result of what there is."""
        with suppress(BrokenPipeError):
            os.write(self._pipes.stdin, STOP_LINE)

    def kill(self) -> None:
        """End it, and everything it has started, at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Wait for its end and give its pipes back; it was killed, or is about to leave."""
        while self.status() is None:
            time.sleep(REAPING_SECONDS)
        self._pipes.close()


class ColdChild(Child):
    """A child that was started from nothing."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipes: "Pipes") -> None:
        super().__init__(process.pid, pipes)
        self._process = process

    def status(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""
        return self._process.poll()


@dataclass(frozen=True)
class Pipes:
    """Our ends of a child's pipes: we write to ``stdin`` and read from ``events`` and ``output``."""

    stdin: int
    events: int
    output: int

    def close(self) -> None:
        """Close all of them."""
        for descriptor in (self.stdin, self.events, self.output):
            os.close(descriptor)


def open_pipes() -> tuple[Pipes, Pipes]:
    """Return our ends and the child's ends of new pipes; none is inherited unless it is passed on."""
    read_stdin, write_stdin = os.pipe()
    read_events, write_events = os.pipe()
    read_output, write_output = os.pipe()
    for descriptor in (read_events, read_output):
        os.set_blocking(descriptor, False)
    return Pipes(write_stdin, read_events, read_output), Pipes(read_stdin, write_events, write_output)


def start_cold(program: Program, order_dir: Path, environment: Mapping[str, str]) -> Child:
    """Start a program on an order, from nothing."""
    ours, theirs = open_pipes()
    try:
        process = subprocess.Popen(
            [
                *python("-m", program.module),
                *(str(order_dir), "--events-fd", str(theirs.events), "--parent-pid", str(os.getpid())),
            ],
            stdin=theirs.stdin,
            stdout=theirs.output,
            stderr=theirs.output,
            pass_fds=(theirs.events,),
            cwd=order_dir,
            env=dict(environment),
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ColdChild(process, ours)


def python(*arguments: str) -> list[str]:
    """Return a command of this Python that loads nothing from the working directory."""
    return [sys.executable, "-P", *arguments]


def environment_of_children(data_dir: Path) -> dict[str, str]:
    """Return the environment of all children: a short list of what passes, and no secret among it."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {
        "KERAS_BACKEND": "tensorflow",
        # A person's own settings of Keras must not change what a job computes.
        "KERAS_HOME": str(data_dir / "keras"),
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONUNBUFFERED": "1",
    }
