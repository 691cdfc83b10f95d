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
