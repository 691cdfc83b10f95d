"""Child processes of ``keraforge up``: each in a session of its own, and none outlives its parent."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from keraforge.up.lifetime import bound_to_this_process

_READ_BYTES = 64 * 1024
_LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True)
class Program:
    """What to run: a name for the log, a command, its environment, descriptors to hand down."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    descriptors: Sequence[int] = ()


class Child:
    """One run of a program; ``report(name, line)`` gets what it prints.

    Make it in the thread of a running event loop, and let that be the only thread: the child runs a line
    of Python before its program. ``ended`` is done, with the exit status, once :meth:`check` saw the end.
    """

    def __init__(self, program: Program, report: Callable[[str, str], None]) -> None:
        self._name = program.name
        self._report = report
        self._process = subprocess.Popen(
            program.command,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=program.descriptors,
            preexec_fn=bound_to_this_process(),  # noqa: PLW1509 - one thread, as the docstring asks
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self._rest = b""
        os.set_blocking(self._output.fileno(), False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._output, self._read)
        self.ended: asyncio.Future[int] = self._loop.create_future()

    def check(self) -> None:
        """Notice whether the process has ended."""
        status = self._process.poll()
        if status is None or self.ended.done():
            return
        while self._read():
            pass
        self._close()
        self.ended.set_result(status)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGKILL to the whole process group, others to the process only."""
        if self._process.returncode is not None:
            return
        # Between its end and our noticing, there may be nobody left in the group to send it to.
        with suppress(ProcessLookupError, PermissionError):
            if number is signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    def _read(self) -> bool:
        """Read once; return whether there may be more."""
        if self._output.closed:
            return False
        try:
            piece = os.read(self._output.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._tell(line)
        if not piece:
            self._close()
        elif len(self._rest) > _LONGEST_LINE:
            self._tell(self._rest)
            self._rest = b""
        return bool(piece)

    def _close(self) -> None:
        if self._output.closed:
            return
        self._loop.remove_reader(self._output)
        self._output.close()
        if self._rest:
            self._tell(self._rest)

    def _tell(self, line: bytes) -> None:
        self._report(self._name, line.decode(errors="replace").rstrip("\r"))


def described(status: int) -> str:
    """Return how a child ended, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
