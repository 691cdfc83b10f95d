import json
import math
import os
import threading
from collections.abc import Iterator

import pytest

from workers.children.events import LINE_BYTES, LOG_CHARACTERS, Events
from workers.children.stopping import Stopped


class Pipe:
    """Both ends of a pipe, and events that go into it."""

    def __init__(self) -> None:
        read_end, write_end = os.pipe()
        self.reader = os.fdopen(read_end)
        self.writer = os.fdopen(write_end, "w")
        self.events = Events(write_end)

    def lines(self) -> list[dict]:
        self.writer.close()
        return [json.loads(line) for line in self.reader]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.reader.close()
    pipe.writer.close()


def test_an_event_is_one_line_of_json(pipe: Pipe) -> None:
    pipe.events.phase("training")
    pipe.events.send("epoch", {"epoch": 1, "metrics": {"loss": 0.5}})
    pipe.events.log("info", "two\nlines")
    assert pipe.lines() == [
        {"type": "phase", "data": {"phase": "training"}},
        {"type": "epoch", "data": {"epoch": 1, "metrics": {"loss": 0.5}}},
        {"type": "log", "data": {"level": "info", "message": "two\nlines"}},
    ]


@pytest.mark.parametrize(("value", "flag"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_what_json_cannot_carry_is_null_with_a_flag(value: float, flag: str, pipe: Pipe) -> None:
    pipe.events.send("epoch", {"metrics": {"loss": value, "accuracy": 0.5}, "many": [1.0, value]})
    (event,) = pipe.lines()
    assert event["data"] == {
        "metrics": {"loss": None, "accuracy": 0.5},
        "many": [1.0, None],
        "flags": {"loss": flag, "many": flag},
    }


def test_a_line_is_bounded(pipe: Pipe) -> None:
    with pytest.raises(ValueError, match="'result' has"):
        pipe.events.send("result", {"text": "x" * LINE_BYTES})
    assert pipe.lines() == []


def test_of_a_long_message_the_end_is_kept(pipe: Pipe) -> None:
    pipe.events.log("error", "a" * LOG_CHARACTERS + "the point")
    (event,) = pipe.lines()
    message = event["data"]["message"]
    assert len(message) == LOG_CHARACTERS
    assert message.startswith("…")
    assert message.endswith("the point")


def test_threads_do_not_mix_their_lines(pipe: Pipe) -> None:
    texts = [str(number) * 20_000 for number in range(4)]

    def write(text: str) -> None:
        for _ in range(5):
            pipe.events.log("info", text[:4000])

    found: list[dict] = []
    reader = threading.Thread(target=lambda: found.extend(json.loads(line) for line in pipe.reader))
    reader.start()
    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    pipe.writer.close()
    reader.join()
    assert len(found) == 20
    assert all(len(set(each["data"]["message"])) == 1 for each in found)


def test_writing_to_nobody_means_to_stop(pipe: Pipe) -> None:
    pipe.reader.close()
    with pytest.raises(Stopped):
        pipe.events.phase("training")
