"""Keeping programs running: start them, start them again, stop them in order."""

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keraforge.errors import KeraforgeError
from keraforge.up.children import Child, Program, described

Report = Callable[[str, str], None]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class GaveUp(KeraforgeError):
    """A program kept dying."""

    default_code = "gave_up"


@dataclass(frozen=True)
class Policy:
    """How patient a supervisor is; all in seconds but for ``deaths``.

    ``deaths`` of one program within ``window`` end everything. The pause before a program is started again
    doubles from ``first_pause`` to ``longest_pause``; one that ran for ``window`` begins afresh. One that has
    not ended ``grace`` after it was told to is killed.
    """

    deaths: int = 5
    window: float = 60.0
    first_pause: float = 0.5
    longest_pause: float = 30.0
    grace: float = 10.0


class Supervisor:
    """Runs programs until it is told to stop, or until one of them keeps dying.

    ``report(name, line)`` gets every line that a program prints, and under ``up`` what the supervisor says.
    """

    def __init__(self, programs: Sequence[Program], report: Report, policy: Policy | None = None) -> None:
        self._programs = programs
        self._report = report
        self._policy = policy or Policy()
        self._children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self.given_up: str | None = None

    async def run(self) -> None:
        """Run until a stop signal has come, or until ``given_up`` names the program that kept dying."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in STOP_SIGNALS:
            # Ignored is what nohup asks for.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self.stop)
        try:
            async with asyncio.TaskGroup() as group:
                for program in self._programs:
                    group.create_task(self._keep(program))
        finally:
            self._end_all(signal.SIGKILL)

    def stop(self) -> None:
        """Ask all programs to end, and kill what does not; a second call kills at once."""
        if self._stopping.is_set():
            self._end_all(signal.SIGKILL)
            return
        self._stopping.set()
        self._end_all(signal.SIGTERM)
        asyncio.get_running_loop().call_later(self._policy.grace, self._end_all, signal.SIGKILL)

    async def _keep(self, program: Program) -> None:
        policy, loop = self._policy, asyncio.get_running_loop()
        deaths: deque[float] = deque(maxlen=policy.deaths)
        pause = policy.first_pause
        while not self._stopping.is_set():
            born = loop.time()
            end = await self._run_once(program)
            if self._stopping.is_set():
                return
            deaths.append(loop.time())
            if len(deaths) == policy.deaths and deaths[-1] - deaths[0] < policy.window:
                self._report("up", f"{program.name} {end} {policy.deaths} times in a row")
                self.given_up = program.name
                self.stop()
                return
            if deaths[-1] - born >= policy.window:
                pause = policy.first_pause
            self._report("up", f"{program.name} {end}; starting it again in {pause:g} s")
            await self._pause(pause)
            pause = min(2 * pause, policy.longest_pause)

    async def _run_once(self, program: Program) -> str:
        try:
            child = self._children[program.name] = Child(program, self._report)
        except OSError as error:
            return f"could not be started ({error.strerror})"
        return described(await child.ended)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _reap(self) -> None:
        for child in self._children.values():
            child.check()

    def _end_all(self, number: signal.Signals) -> None:
        for child in self._children.values():
            child.signal(number)
