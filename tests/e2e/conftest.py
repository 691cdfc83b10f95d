"""The real service in processes of its own, started as a person starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

DEADLINE_SECONDS = 180.0
READY = "Keraforge is ready"


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited for too long: {what}")
        time.sleep(0.02)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool], str], None]:
    """Wait for a condition, which the second argument says in words."""
    return _wait_until


class Command:
    """One ``keraforge`` command with a data folder of its own; its output goes to a file."""

    def __init__(
        self, folder: Path, arguments: Sequence[str], *, cwd: Path | None = None, **environment: str
    ) -> None:
        self.folder = folder
        self._log = folder.parent / f"{folder.name}.{time.monotonic_ns()}.out"
        # Nobody trains in most tests, so nothing is kept warm for it.
        own = {"KERAFORGE_DATA_DIR": str(folder), "KERAFORGE_WARM_START": "false", "COLUMNS": "200"}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "keraforge", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | own | environment,
                cwd=cwd,
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it has printed ``text``."""

        def said() -> bool:
            if text in self.output:
                return True
            assert self.process.poll() is None, f"it ended before it said {text!r}:\n{self.output}"
            return False

        _wait_until(said, f"{text!r} in\n{self.output}")

    def ended(self) -> int:
        """Wait until it has ended and return its status."""
        _wait_until(lambda: self.process.poll() is not None, "the end")
        assert self.process.returncode is not None
        return self.process.returncode

    def relatives(self) -> dict[int, str]:
        """Return the command lines of all live processes that belong to the data folder."""
        marks = (f"KERAFORGE_DATA_DIR={self.folder}".encode(), f"{self.folder}/".encode())
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (place / "cmdline").read_bytes()
                known = command + (place / "environ").read_bytes()
                if int(place.name) != os.getpid() and command and any(mark in known for mark in marks):
                    found[int(place.name)] = command.replace(b"\0", b" ").decode()
        return found

    def pid_of(self, part: str) -> int:
        """Return the process whose command line contains ``part``."""
        (pid,) = (pid for pid, command in self.relatives().items() if part in command)
        return pid

    def kill(self) -> None:
        """End whatever of it is left."""
        for pid in self.relatives():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


Run = Callable[..., Command]


@pytest.fixture(scope="session")
def command() -> Callable[..., Command]:
    """Start a command that outlives one test; whoever does must end it."""
    return Command


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start ``keraforge`` commands; what is left of them at the end of the test is killed."""
    started: list[Command] = []

    def start(*arguments: str, folder: Path | None = None, **options: Any) -> Command:
        started.append(Command(folder or tmp_path / "data", arguments, **options))
        return started[-1]

    yield start
    for command in started:
        # One that was pointed at somebody else's folder is not to end what runs there.
        if command.folder.is_relative_to(tmp_path):
            command.kill()


@pytest.fixture
def up(run: Run) -> Command:
    """A service of this test alone, ready, on a free port."""
    command = run("up", "--port", "0")
    command.wait_for(READY)
    return command


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A service for all tests of a module that leave it as it is."""
    command = Command(tmp_path_factory.mktemp("shared") / "data", ["up", "--port", "0"])
    command.wait_for(READY)
    yield command
    command.process.terminate()
    assert command.ended() == 0
    command.kill()
