import json
import math

import pytest

from app.jobs.recording import Reported
from workers.reports import MESSAGE_CHARACTERS, LineSplitter, parse


def line(kind: str, **data: object) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode()


def test_lines_are_whole_however_they_arrive() -> None:
    splitter = LineSplitter()
    chunks = [b"one\ntw", b"", b"o\n", b"\nthree"]
    assert [splitter.feed(chunk) for chunk in chunks] == [[b"one"], [], [b"two"], [b""]]
    assert splitter.feed(b"\n") == [b"three"]


@pytest.mark.parametrize("size", [11, 25, 1000])
@pytest.mark.parametrize("chunk", [1, 7, 2000])
def test_a_line_that_is_too_long_is_dropped_and_its_neighbours_are_not(size: int, chunk: int) -> None:
    splitter = LineSplitter(limit=10)
    text = b"before\n" + b"x" * size + b"\n" + b"y" * 10 + b"\nafter\n"
    lines = [
        line for start in range(0, len(text), chunk) for line in splitter.feed(text[start : start + chunk])
    ]
    assert lines == [b"before", b"y" * 10, b"after"]
    assert splitter.dropped == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"Epoch 1/10 [====>   ]",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"9" * 10_000,
        b'{"type": "epoch"}',
        line("unknown"),
        line("phase"),
        line("phase", phase=["training"]),
        line("epoch", epoch=1, epochs=2, metrics={}),
        line("epoch", epoch=1, epochs=2, step=2**31, metrics={}),
        line("epoch", epoch=1, epochs=2, step=-1, metrics={}),
        line("epoch", epoch=1, epochs=2, step=1, metrics={"loss": "low"}),
        line("error", code="no such code", message="x"),
        json.dumps({"type": "result", "data": json.loads("[" * 60 + "]" * 60)}).encode(),
    ],
)
def test_what_is_no_event_is_none(garbage: bytes) -> None:
    assert parse(garbage) is None


def test_numbers_that_json_does_not_know_are_told_apart_in_an_epoch() -> None:
    flagged = line(
        "epoch",
        **{"epoch": 1, "epochs": 2, "step": 3, "eta": math.inf},
        metrics={"a": None, "b": None, "c": math.nan, "d": 1},
        flags={"a": "-inf", "b": "nan", "elsewhere": "inf"},
    )
    event = parse(flagged)
    assert event is not None
    assert event.data["metrics"]["a"] == -math.inf
    assert math.isnan(event.data["metrics"]["b"])
    assert math.isnan(event.data["metrics"]["c"])
    assert event.data["metrics"].keys() == {"a", "b", "c", "d"}
    assert event.data["eta"] is None
    assert event.data.keys() == {"epoch", "epochs", "step", "eta", "metrics"}


def test_a_result_holds_only_what_json_can_carry() -> None:
    assert parse(b'{"type": "result", "data": {"a": [NaN, {"b": -Infinity}], "c": 1}}') == Reported(
        "result", {"a": [None, {"b": None}], "c": 1}
    )


def test_text_that_no_database_takes_is_mended() -> None:
    event = parse(line("log", message="a\0b\ud800c"))
    assert event == Reported("log", {"level": "info", "message": "a\N{REPLACEMENT CHARACTER}b?c"})


def test_a_long_message_is_cut() -> None:
    event = parse(line("log", level="error", message="x" * 100_000))
    assert event is not None
    assert len(event.data["message"]) == MESSAGE_CHARACTERS


def test_what_has_no_epochs_tells_of_its_steps() -> None:
    sent = {"step": 3, "steps": 7}
    assert parse(line("progress", **sent)) == Reported("progress", sent)


def test_progress_keeps_only_what_was_sent() -> None:
    assert parse(line("progress", epoch=1, epochs=2, step=3, other=4)) == Reported(
        "progress", {"epoch": 1, "epochs": 2, "step": 3}
    )


@pytest.mark.parametrize("kind", ["checkpoint", "resumed"])
def test_a_place_tells_its_seconds_where_the_child_did(kind: str) -> None:
    place = {"epoch": 1, "step": 20}
    for sent in (place, place | {"seconds": 1.5}):
        assert parse(line(kind, **sent, other=4)) == Reported(kind, sent)


def test_an_error_has_all_its_parts() -> None:
    assert parse(line("error", code="bad_data", message="No rows.")) == Reported(
        "error", {"code": "bad_data", "message": "No rows.", "hint": None, "retryable": False}
    )
