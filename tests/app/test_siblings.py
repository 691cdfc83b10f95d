import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.exposition import Families, Family
from app.siblings import Siblings, forget


class Process:
    """What one web process measures."""

    def __init__(self, folder: Path, number: int) -> None:
        self.requests = 0
        self.siblings = Siblings(folder, number, self.measure)
        self._number = str(number)

    def measure(self) -> Families:
        return {
            "requests": Family("counter", "", {("requests", ()): float(self.requests)}),
            "memory": Family("gauge", "", {("memory", (("process", self._number),)): 1.0}),
        }

    def counted(self) -> float:
        return self.siblings.together()["requests"].samples["requests", ()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


def test_any_process_tells_of_all_within_a_moment(folder: Path, until: Callable[..., Any]) -> None:
    first, second = Process(folder, 1), Process(folder, 2)
    for process in (first, second):
        process.siblings.start()
    with closing(first.siblings), closing(second.siblings):
        first.requests, second.requests = 3, 4
        until(lambda: first.counted() == 7)
        until(lambda: second.counted() == 7)
        assert len(first.siblings.together()["memory"].samples) == 2


def test_a_process_that_had_to_wait_for_the_processor_leaves_as_often_as_others(
    folder: Path, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.siblings.LEAVE_SECONDS", 0.001)
    monkeypatch.setattr("app.siblings.LEAVE_SHARE", 0.0005)

    class Waiting(Process):
        def measure(self) -> Families:
            threading.Event().wait(0.1)
            return super().measure()

    waiting, other = Waiting(folder, 1), Process(folder, 2)
    waiting.siblings.start()
    with closing(waiting.siblings):
        for count in (3, 4):
            waiting.requests = count
            until(lambda count=count: other.counted() == count)


def test_what_was_told_of_a_killed_process_is_still_told_when_another_takes_its_place(folder: Path) -> None:
    killed, other = Process(folder, 1), Process(folder, 2)
    folder.mkdir()
    killed.requests, other.requests = 3, 4
    # Neither was started, so nothing is left but by who is asked: as if it was killed right then.
    assert killed.counted() == 3
    assert other.counted() == 7
    fresh = Process(folder, 1)
    fresh.siblings.start()
    with closing(fresh.siblings):
        assert fresh.counted() == 7
        assert other.counted() == 7
        fresh.requests = 1
        assert fresh.counted() == 8
    # And once more: what was inherited is inherited again.
    again = Process(folder, 1)
    again.siblings.start()
    with closing(again.siblings):
        assert again.counted() == 8


def test_a_process_that_ends_in_order_leaves_all_that_it_counted(folder: Path) -> None:
    process = Process(folder, 1)
    process.siblings.start()
    process.requests = 5
    process.siblings.close()
    folder_of_another = Process(folder, 2)
    assert folder_of_another.counted() == 5


def test_a_folder_that_cannot_be_written_to_ends_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("not a folder")
    process = Process(folder, 1)
    process.requests = 5
    assert process.counted() == 5
    assert "cannot be left for the others" in caplog.text


def test_a_new_start_counts_anew(folder: Path) -> None:
    folder.mkdir()
    Process(folder, 1).counted()
    forget(folder)
    assert not folder.exists()
    forget(folder)
