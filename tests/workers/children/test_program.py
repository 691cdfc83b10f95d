"""The life of a child's program, seen from outside; its work is replaced by something short."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

READING = {
    "kind": "reading",
    "job": "job_1",
    "attempt": 1,
    "dataset_kind": "images",
    "builtin": "digits",
    "options": {},
    "max_bytes": 10**9,
}

PROGRAM = """
import errno, os, sys, time
from models.reading.errors import BadData
from workers.children.program import Failed, run, start
from workers.protocol import Failure

def work(order, output, events, stop):
    events.phase("working")
    {work}

def main(order_dir, events_fd, *, parent_pid=None):
    return run(work, order_dir, events_fd, parent_pid=parent_pid)

start(main)
"""
WAIT_FOR_STOP = "while True: stop.check(); time.sleep(0.01)"
NEVER_LOOK = "time.sleep(600)"
DEADLINE_SECONDS = 30

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(order_dir: Path) -> Iterator[Start]:
    """Start a program that does ``work``; its events can be read from ``stdout``."""
    started: list[subprocess.Popen[str]] = []

    def start_program(work: str, *arguments: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[str]:
        (order_dir / "order.json").write_text(json.dumps(READING))
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM.format(work=work), str(order_dir), *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        )
        started.append(process)
        return process

    yield start_program
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def next_event(process: subprocess.Popen[str]) -> dict:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_work_that_is_done_ends_with_0(start: Start) -> None:
    process = start("events.send('result', {'answer': order.builtin})")
    out, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
    assert [json.loads(line) for line in out.splitlines()][-1] == {
        "type": "result",
        "data": {"answer": "digits"},
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_means_to_stop(number: signal.Signals, start: Start) -> None:
    process = start(WAIT_FOR_STOP)
    next_event(process)
    process.send_signal(number)
    assert process.wait(DEADLINE_SECONDS) == 75


def test_the_end_of_standard_input_means_to_stop(start: Start) -> None:
    process = start(WAIT_FOR_STOP)
    next_event(process)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(DEADLINE_SECONDS) == 75


def test_without_a_pipe_standard_input_means_nothing(start: Start) -> None:
    process = start("time.sleep(0.3); stop.check()", stdin=subprocess.DEVNULL)
    assert process.wait(DEADLINE_SECONDS) == 0


def test_events_that_nobody_reads_mean_to_stop(start: Start) -> None:
    process = start("while True: events.log('info', 'x'); time.sleep(0.01)")
    next_event(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(DEADLINE_SECONDS) == 75


def test_what_libraries_print_is_not_among_the_events(start: Start) -> None:
    process = start("print('printed'); os.write(1, b'written\\n'); events.phase('last')")
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert [json.loads(line)["data"]["phase"] for line in out.splitlines()] == ["working", "last"]
    assert "printed" in err
    assert "written" in err


def test_events_go_to_the_descriptor_that_is_named(start: Start, order_dir: Path) -> None:
    read_end, write_end = os.pipe()
    (order_dir / "order.json").write_text(json.dumps(READING))
    subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            PROGRAM.format(work="pass"),
            str(order_dir),
            "--events-fd",
            str(write_end),
        ],
        pass_fds=[write_end],
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=DEADLINE_SECONDS,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    os.close(write_end)
    with os.fdopen(read_end) as stream:
        assert json.loads(stream.read()) == {"type": "phase", "data": {"phase": "working"}}


@pytest.mark.parametrize(
    ("work", "status", "code"),
    [
        ("raise Failed(Failure(code='bad_data', message='no'))", 64, "bad_data"),
        ("raise Failed(Failure(code='diverged', message='no'))", 70, "diverged"),
        ("raise MemoryError", 70, "out_of_memory"),
        ("raise OSError(errno.ENOSPC, 'full')", 70, "storage_low"),
        ("raise OSError(errno.EIO, 'secret')", 70, "internal"),
        ("raise KeyError('secret')", 70, "internal"),
    ],
)
def test_every_failure_is_told_by_one_error_event(work: str, status: int, code: str, start: Start) -> None:
    process = start(work)
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    events = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == status
    assert [event["type"] for event in events].count("error") == 1
    assert events[-1]["type"] == "error"
    assert events[-1]["data"]["code"] == code
    assert "secret" not in events[-1]["data"]["message"]
    if code == "internal":
        assert "secret" in events[-2]["data"]["message"]
        assert events[-2]["data"]["level"] == "error"
        assert "Traceback" in err


def test_an_array_that_finds_no_room_is_no_fault_of_ours(
    small_disk: Callable[..., Path], start: Start, order_dir: Path
) -> None:
    small_disk(order_dir)
    process = start("import numpy; numpy.save(output / 'x.npy', numpy.zeros(10**6))")
    out, _ = process.communicate(timeout=DEADLINE_SECONDS)
    last = json.loads(out.splitlines()[-1])
    assert (last["type"], last["data"]["code"], last["data"]["retryable"]) == ("error", "storage_low", True)


@pytest.mark.parametrize("order", ["", "{", '{"kind": "other"}', '{"kind": "reading"}'])
def test_an_order_that_cannot_be_read_is_a_failure(order: str, start: Start, order_dir: Path) -> None:
    process = start("pass")
    next_event(process)
    process.communicate(timeout=DEADLINE_SECONDS)
    (order_dir / "order.json").write_text(order)
    ended = subprocess.run(
        [*process.args],  # type: ignore[misc]
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=DEADLINE_SECONDS,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert ended.returncode == 70
    assert json.loads(ended.stdout.splitlines()[-1])["data"]["code"] == "internal"


def test_it_is_a_group_of_its_own_and_gives_way_to_others(start: Start) -> None:
    process = start(WAIT_FOR_STOP)
    next_event(process)
    assert os.getpgid(process.pid) == process.pid
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == 10


def test_it_leaves_at_once_if_its_parent_is_gone(start: Start) -> None:
    process = start("pass", "--parent-pid", "1")
    out, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 75
    assert out == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_it_dies_with_its_parent_even_if_it_never_looks(order_dir: Path) -> None:
    (order_dir / "order.json").write_text(json.dumps(READING))
    start_child = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    parent = subprocess.Popen(
        [
            *(sys.executable, "-c", start_child),
            *(sys.executable, "-P", "-c", PROGRAM.format(work=NEVER_LOOK), str(order_dir)),
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert json.loads(parent.stdout.readline())["data"] == {"phase": "working"}
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(child))
    parent.stdout.close()
