"""A supervisor in a process of its own, ended in every way a process can end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

SUPERVISOR = """
import asyncio, signal, sys
from keraforge.up.children import Program
from keraforge.up.supervisor import Policy, Supervisor

DEAF = '''
import os, signal, time
# A print may be interrupted by a signal, and then not be entered again.
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"no\\\\n"))
print(os.getpid(), flush=True)
while True: time.sleep(60)
'''
SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
code = DEAF if sys.argv[1] == "deaf" else SLEEPER
if sys.argv[1] == "deaf to hangups":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
programs = [Program(name, [sys.executable, "-c", code]) for name in ("web", "worker")]
supervisor = Supervisor(programs, lambda name, line: print(line, flush=True), Policy(grace=3600))
asyncio.run(supervisor.run())
print("in order", flush=True)
"""

Eventually = Callable[[Callable[[], bool]], bool]


class Running:
    """A supervisor and its two programs."""

    def __init__(self, kind: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, kind],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.children = [int(self.line()), int(self.line())]

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    started = Running(getattr(request, "param", "sleeper"))
    yield started
    for pid in (started.process.pid, *started.children):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    started.process.wait()
    assert started.process.stdout is not None
    started.process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(
    running: Running, number: signal.Signals, is_alive: Callable[[int], bool]
) -> None:
    running.process.send_signal(number)
    assert running.line() == "in order"
    assert running.process.wait(10) == 0
    assert not any(map(is_alive, running.children))


@pytest.mark.parametrize("running", ["deaf"], indirect=True)
def test_a_second_ctrl_c_kills_what_does_not_listen(
    running: Running, is_alive: Callable[[int], bool]
) -> None:
    running.process.send_signal(signal.SIGINT)
    assert [running.line(), running.line()] == ["no", "no"]
    assert running.process.poll() is None
    running.process.send_signal(signal.SIGINT)
    assert running.line() == "in order"
    assert not any(map(is_alive, running.children))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent is gone")
def test_a_killed_supervisor_takes_its_children_along(
    running: Running, eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    running.process.kill()
    assert eventually(lambda: not any(map(is_alive, running.children)))


@pytest.mark.parametrize("running", ["deaf to hangups"], indirect=True)
def test_an_ignored_hangup_stays_ignored(running: Running) -> None:
    running.process.send_signal(signal.SIGHUP)
    os.kill(running.children[0], signal.SIGKILL)
    # It still minds its programs, so it has not stopped.
    assert running.line().endswith("was ended by SIGKILL; starting it again in 0.5 s")
