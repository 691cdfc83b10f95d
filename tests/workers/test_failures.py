import signal

import pytest

from workers import failures


def test_a_kill_while_memory_ran_out_is_told_from_any_other() -> None:
    kills = failures.memory_kills()
    if kills is None:
        pytest.skip("this system does not count the processes that it ends for want of memory")
    assert failures.killed(signal.SIGKILL, kills)["code"] == "crashed"
    assert failures.killed(signal.SIGKILL, kills - 1)["code"] == "out_of_memory"
    assert failures.killed(signal.SIGSEGV, kills - 1)["code"] == "crashed"


def test_where_nobody_counts_a_kill_is_put_down_to_memory() -> None:
    assert failures.killed(signal.SIGKILL, None)["code"] == "out_of_memory"


@pytest.mark.parametrize(("number", "name"), [(11, "SIGSEGV"), (64, "SIGRTMAX"), (200, "signal 200")])
def test_a_signal_is_named(number: int, name: str) -> None:
    assert name in failures.ended_by(number)["message"]


@pytest.mark.parametrize(
    ("code", "status", "restarts"),
    [
        ("crashed", -signal.SIGKILL, 3),
        ("crashed", -signal.SIGSEGV, 1),
        ("crashed", 3, 0),
        ("out_of_memory", -signal.SIGKILL, 1),
        ("out_of_memory", 70, 0),
        ("storage_low", 70, 3),
        ("diverged", 70, 0),
        ("bad_data", 64, 0),
    ],
)
def test_what_may_have_been_an_accident_is_tried_again(code: str, status: int, restarts: int) -> None:
    assert failures.restarts_after({"code": code}, status, 3) == restarts
    assert failures.restarts_after({"code": code}, status, 0) == 0


def test_every_failure_says_what_to_do_and_whether_a_retry_can_help() -> None:
    told = [
        failures.out_of_memory(),
        failures.ended_by(signal.SIGSEGV),
        failures.left_with(3),
        failures.silent_for(600),
        failures.overdue(3600),
        failures.worker_lost(),
        failures.storage_low(),
        failures.internal(),
    ]
    assert all(failure["hint"] for failure in told)
    retryable = {failure["code"] for failure in told if failure["retryable"]}
    assert retryable == {"crashed", "hung", "time_limit", "worker_lost", "storage_low"}
