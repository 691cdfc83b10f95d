"""Programs that may be killed: each is started again until it is no longer wanted."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LEAVING_SECONDS = 40.0


class Program:
    """One program, run after run; its output goes to a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        log: Path,
        descriptors: Sequence[int] = (),
        user: Mapping[str, object] | None = None,
    ) -> None:
        self.name, self.log = name, log
        self.wanted = False
        self.starts = 0
        self._command, self._environment, self._descriptors = command, environment, descriptors
        self._user = user or {}
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        with self._lock:
            return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Run it, unless it runs."""
        with self._lock:
            self.wanted = True
            if self.pid is None:
                with self.log.open("ab") as output:
                    self._process = subprocess.Popen(  # type: ignore[call-overload]
                        self._command,
                        env=dict(self._environment),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        pass_fds=self._descriptors,
                        cwd="/",
                        **self._user,
                    )
                self.starts += 1

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to the process that runs; False if none does."""
        with self._lock:
            if self.pid is None or self._process is None:
                return False
            self._process.send_signal(number)
            return True

    def kill(self) -> bool:
        """End the process as a power cut would; False if none runs."""
        with self._lock:
            if not self.send(signal.SIGKILL) or self._process is None:
                return False
            self._process.wait()
            return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to leave for good; return its exit status."""
        with self._lock:
            self.wanted = False
            if self._process is None:
                return 0
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
            self.send(number)
            try:
                return self._process.wait(LEAVING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                return self._process.wait()


class Keeper:
    """Starts again what ended though it is wanted, as an operating system's supervisor would."""

    def __init__(self, programs: Sequence[Program], pause: Callable[[], float]) -> None:
        self._programs, self._pause = programs, pause
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="keeper", daemon=True)
        self._due: dict[str, float] = {}
        self._thread.start()

    def close(self) -> None:
        """Let what ends be ended."""
        self._leaving.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._leaving.wait(0.05):
            for program in self._programs:
                if program.pid is not None or not program.wanted:
                    self._due.pop(program.name, None)
                elif time.monotonic() >= self._due.setdefault(program.name, time.monotonic() + self._pause()):
                    program.start()


def environment(data_dir: Path, **settings: object) -> dict[str, str]:
    """Return the environment of a program of the service: nothing of ours but these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERAFORGE_")}
    here = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [here, kept.get("PYTHONPATH")]))
    named = {f"KERAFORGE_{name.upper()}": str(value) for name, value in settings.items()}
    return kept | {"PYTHONPATH": path, "KERAFORGE_DATA_DIR": str(data_dir)} | named
