import asyncio
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from keraforge.up.children import Program
from keraforge.up.supervisor import Policy, Supervisor

QUICK = Policy(first_pause=0.01, longest_pause=0.04, grace=10)
SLEEP = "import time; print('up', flush=True); time.sleep(60)"


class Said:
    """What was reported, and a way to stop the supervisor once something was."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.on_line: Callable[[str, str], None] = lambda name, line: None

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))
        self.on_line(name, line)

    def of(self, name: str) -> list[str]:
        return [line for said_by, line in self.lines if said_by == name]


def python(name: str, code: str) -> Program:
    return Program(name, [sys.executable, "-c", textwrap.dedent(code)])


def run(programs: list[Program], said: Said, policy: Policy = QUICK, *, stop_when: str = "") -> Supervisor:
    """Run until a line that contains ``stop_when`` was reported, or until the supervisor gives up."""
    supervisor = Supervisor(programs, said, policy)

    def watch(name: str, line: str) -> None:
        if stop_when and stop_when in line:
            supervisor.stop()

    said.on_line = watch
    asyncio.run(asyncio.wait_for(supervisor.run(), 30))
    return supervisor


def test_a_program_that_dies_is_started_again(tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    said = Said()
    program = python(
        "web",
        f"""
        import pathlib, sys, time
        flag = pathlib.Path({str(flag)!r})
        if not flag.exists():
            flag.touch()
            sys.exit(3)
        print("second life", flush=True)
        time.sleep(60)
        """,
    )
    supervisor = run([program], said, stop_when="second life")
    assert supervisor.given_up is None
    assert said.lines == [
        ("up", "web ended with status 3; starting it again in 0.01 s"),
        ("web", "second life"),
    ]


def test_a_program_that_ends_without_an_error_is_started_again_too() -> None:
    said = Said()
    run([python("web", "pass")], said, stop_when="starting it again in 0.02 s")
    assert said.of("up")[0] == "web ended with status 0; starting it again in 0.01 s"


def test_the_pause_doubles_up_to_the_longest() -> None:
    said = Said()
    policy = Policy(deaths=6, first_pause=0.01, longest_pause=0.03)
    run([python("web", "pass")], said, policy)
    pauses = [line.split()[-2] for line in said.of("up")[:-1]]
    assert pauses == ["0.01", "0.02", "0.03", "0.03", "0.03"]


def test_a_program_that_ran_long_enough_begins_with_the_first_pause_again() -> None:
    said = Said()
    policy = Policy(window=0.0, first_pause=0.01)
    # Every run is longer than a window of no time, so none of the many deaths counts against it.
    supervisor = Supervisor([python("web", "pass")], said, policy)
    said.on_line = lambda name, line: supervisor.stop() if len(said.lines) == 8 else None
    asyncio.run(asyncio.wait_for(supervisor.run(), 30))
    assert supervisor.given_up is None
    assert {line.split()[-2] for line in said.of("up")} == {"0.01"}


def test_five_deaths_in_a_row_end_everything() -> None:
    said = Said()
    supervisor = run([python("web", SLEEP), python("worker", "raise SystemExit(7)")], said)
    assert supervisor.given_up == "worker"
    assert said.of("up")[-1] == "worker ended with status 7 5 times in a row"
    assert len(said.of("up")) == 5


def test_stopping_lets_programs_end_in_order() -> None:
    said = Said()
    program = python(
        "web",
        """
        import os, signal, sys, time
        def leave(*_):
            os.write(1, b"bye\\n")
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        print("up", flush=True)
        time.sleep(60)
        """,
    )
    supervisor = run([program], said, stop_when="up")
    assert said.lines == [("web", "up"), ("web", "bye")]
    assert supervisor.given_up is None


DEAF = """
    import os, signal, time
    signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"no\\n"))
    print("up", flush=True)
    while True:
        time.sleep(60)
"""


def test_a_program_that_does_not_end_is_killed_after_the_grace() -> None:
    said = Said()
    run([python("web", DEAF)], said, Policy(grace=0.2), stop_when="up")
    assert said.lines == [("web", "up"), ("web", "no")]


def test_a_second_stop_kills_at_once() -> None:
    said = Said()
    supervisor = Supervisor([python("web", DEAF)], said, Policy(grace=3600))
    said.on_line = lambda name, line: supervisor.stop()
    asyncio.run(asyncio.wait_for(supervisor.run(), 30))
    assert said.lines == [("web", "up"), ("web", "no")]


def test_killing_reaches_what_a_program_started(
    eventually: Callable[[Callable[[], bool]], bool], is_alive: Callable[[int], bool]
) -> None:
    said = Said()
    program = python(
        "web",
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, flush=True)
        time.sleep(60)
        """,
    )
    supervisor = Supervisor([program], said, Policy(grace=0))
    said.on_line = lambda name, line: supervisor.stop()
    asyncio.run(asyncio.wait_for(supervisor.run(), 30))
    grandchild = int(said.of("web")[0])
    assert eventually(lambda: not is_alive(grandchild))


def test_all_output_arrives_line_by_line() -> None:
    said = Said()
    code = r"""
        import sys, time
        for number in range(20_000):
            print(f"line {number}")
        sys.stdout.flush()
        sys.stderr.write("on standard error\n")
        sys.stdout.buffer.write(b"not utf-8: \xff\r\nno end")
    """
    run([python("web", code)], said, stop_when="starting it again")
    said_by_web = said.of("web")
    assert said_by_web[:20_000] == [f"line {number}" for number in range(20_000)]
    assert said_by_web[20_000:] == ["on standard error", "not utf-8: �", "no end"]


def test_a_program_that_cannot_be_started_counts_as_dead() -> None:
    said = Said()
    supervisor = run([Program("web", ["/nowhere/at-all"])], said)
    assert supervisor.given_up == "web"
    assert said.of("up")[0] == (
        "web could not be started (No such file or directory); starting it again in 0.01 s"
    )


def test_programs_are_out_of_reach_of_the_terminals_signals() -> None:
    said = Said()
    code = "import os, time; print(os.getsid(0) == os.getpid(), flush=True); time.sleep(60)"
    run([python("web", code)], said, stop_when="e")
    assert said.of("web") == ["True"]


def test_an_ending_by_a_signal_is_said_by_its_name() -> None:
    said = Said()
    code = f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"
    run([python("web", code)], said, stop_when="starting it again")
    assert said.of("up") == ["web was ended by SIGKILL; starting it again in 0.01 s"]
