import io
import re
from typing import Any

from rich.console import Console

from keraforge.cli.following import follow
from keraforge.client.records import Event

METRICS = {"loss": 0.5, "accuracy": 0.8, "val_loss": None, "val_accuracy": 0.9, "learning_rate": 0.001}


def event(kind: str, **data: Any) -> Event:
    return Event.read({"id": 1, "at": "2026-01-01T00:00:00Z", "type": kind, "data": data})


EVENTS = [
    event("state", state="running"),
    event("phase", phase="training"),
    event("epoch", epoch=1, epochs=2, metrics=METRICS),
    event("log", level="warning", message="[b]slow[/b]"),
    event("epoch", epoch=2, epochs=2, metrics=METRICS),
    event("state", state="succeeded"),
]


def shown(width: int, *, is_terminal: bool) -> str:
    file = io.StringIO()
    follow(iter(EVENTS), Console(file=file, width=width, force_terminal=is_terminal), "job_1")
    return file.getvalue()


def last_line(text: str) -> str:
    """Return the last line that can be seen, without what only a terminal reads."""
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text)
    return [line for line in re.split(r"[\r\n]", plain) if line.strip()][-1]


def test_without_a_terminal_every_epoch_is_a_line() -> None:
    assert shown(20, is_terminal=False).splitlines() == [
        "job_1: training",
        "job_1: epoch 1/2  loss 0.5000  accuracy 0.8000  val_accuracy 0.9000",
        "job_1: warning: [b]slow[/b]",
        "job_1: epoch 2/2  loss 0.5000  accuracy 0.8000  val_accuracy 0.9000",
    ]


def test_on_a_terminal_a_bar_shows_the_last_epoch() -> None:
    last = last_line(shown(120, is_terminal=True))
    assert "2/2" in last
    assert "loss 0.5000  accuracy 0.8000  val_accuracy 0.9000" in last


def test_a_narrow_terminal_shows_few_figures_and_cuts_none() -> None:
    last = last_line(shown(80, is_terminal=True))
    assert "loss 0.5000  accuracy 0.8000" in last
    assert "val_accuracy" not in last
    assert "…" not in last


def test_a_log_line_is_printed_above_the_bar_as_it_was_written() -> None:
    assert "warning: [b]slow[/b]" in shown(80, is_terminal=True)
