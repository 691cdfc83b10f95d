"""The warm start, from a slot's side: a fork server, asked for one child at a time, or a spare process.

A slot's own thread makes either, since it dies with the thread that started it.
"""

import json
import os
import select
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from workers.child import Child, ColdChild, Pipes, Program, open_pipes, python

LOADING_SECONDS = 60.0
FORKING_SECONDS = 5.0
LAST_WORDS_BYTES = 2000
_LOOK_SECONDS = 0.1
_ANSWER_BYTES = 4096


class NotWarm(Exception):
    """The process that waits cannot start a child; a cold start can."""


class Waiting(ABC):
    """A process that has loaded a program and waits for an order, and the socket to it."""

    module: str
    stays = True
    """Whether it can start another child after the first."""

    def __init__(self, program: Program, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Libraries talk while they load; it is shown only where the loading fails.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        with theirs:
            self._process = subprocess.Popen(
                [
                    *python("-m", self.module),
                    *(str(theirs.fileno()), str(os.getpid()), program.module),
                    *program.preload,
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=(theirs.fileno(),),
                env=dict(environment),
                start_new_session=True,
            )
        self._socket = ours
        self._started = time.monotonic()
        self._ready = False

    def wait_until_ready(self, given_up: Callable[[], bool]) -> bool:
        """Wait until everything is loaded; False if it takes too long, fails, or ``given_up()``."""
        while not self._ready and not given_up():
            if time.monotonic() - self._started > LOADING_SECONDS:
                return False
            try:
                self._ready = self.answer(_LOOK_SECONDS) is not None
            except NotWarm:
                return False
        return self._ready

    def start(self, order_dir: Path, environment: Mapping[str, str]) -> Child:
        """Start a child, whose ``environment`` names its devices.

        Raises :class:`NotWarm` if the process that waits is gone or does not answer.
        """
        ours, theirs = open_pipes()
        request = {"order": str(order_dir), "environment": dict(environment)}
        try:
            descriptors = [theirs.stdin, theirs.events, theirs.output]
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            answer = self.answer(FORKING_SECONDS)
            if answer is None:
                raise NotWarm("it does not answer")
        except (OSError, NotWarm) as error:
            ours.close()
            raise NotWarm(str(error)) from error
        finally:
            theirs.close()
        return self._child(answer["pid"], ours)

    @abstractmethod
    def _child(self, pid: int, pipes: Pipes) -> Child:
        """Return the child that was started."""

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """Return its next message, or None if it says nothing for so long."""
        if not select.select([self._socket], [], [], seconds)[0]:
            return None
        try:
            message = self._socket.recv(_ANSWER_BYTES)
        except ConnectionError as error:
            raise NotWarm("it has ended") from error
        if not message:
            raise NotWarm("it has ended")
        content: dict[str, Any] = json.loads(message)
        return content

    def last_words(self) -> str:
        """Return the end of what it has printed."""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - LAST_WORDS_BYTES))
        return self._output.read().decode(errors="replace").strip()

    def kill(self) -> None:
        """End it, and with it a child that still runs."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        """End it and give everything back."""
        self._socket.close()
        self.kill()
        self._process.wait()
        self._output.close()


class ForkServer(Waiting):
    """A fork server: its children have everything loaded, and it stays for the next."""

    module = "workers.forkserver"

    def _child(self, pid: int, pipes: Pipes) -> Child:
        return WarmChild(pid, pipes, self)


class Spare(Waiting):
    """A spare process, which becomes the child: it may use GPUs, and serves once."""

    module = "workers.spare"
    stays = False

    def _child(self, _pid: int, pipes: Pipes) -> Child:
        self._socket.close()
        self._output.close()
        return ColdChild(self._process, pipes)


class WarmChild(Child):
    """A child that was forked from a fork server."""

    def __init__(self, pid: int, pipes: Pipes, server: ForkServer) -> None:
        super().__init__(pid, pipes)
        self._server = server
        self._status: int | None = None
        self._killed_at: float | None = None

    def kill(self) -> None:
        """End it, and everything it has started, at once."""
        super().kill()
        self._killed_at = self._killed_at or time.monotonic()

    def status(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""
        if self._status is None:
            try:
                ended = self._server.answer(0)
            except NotWarm:
                # The kernel has killed the child with its server.
                self._status = -9
            else:
                self._status = ended["status"] if ended else None
        if self._status is None and self._is_overdue():
            # A server that does not tell of the end would hold its slot for ever; its own end tells too.
            self._server.kill()
        return self._status

    def _is_overdue(self) -> bool:
        return self._killed_at is not None and time.monotonic() > self._killed_at + FORKING_SECONDS
