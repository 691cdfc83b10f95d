"""Following a job on the terminal: a bar that fills, with the figures of each epoch as they come."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from keraforge.client.records import Event

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


def follow(events: Iterable[Event], console: Console, label: str) -> Event | None:
    """Show events until they end; return the last one.

    Where there is no terminal, each epoch and each phase is a line of its own.
    """
    last: Event | None = None
    with _Display(console, label) as display:
        for last in events:
            display.show(last)
    return last


def figures(metrics: Mapping[str, Any]) -> str:
    """Return the figures of an epoch: ``loss 0.1234  accuracy 0.967 …``."""
    return "  ".join(
        f"{name} {metrics[name]:.4f}" for name in FIGURES if isinstance(metrics.get(name), int | float)
    )


class _Display:
    def __init__(self, console: Console, label: str) -> None:
        self._console = console
        self._label = label
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._bar: TaskID = self._progress.add_task(label, total=None, figures="")

    def __enter__(self) -> "_Display":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        data = event.data
        if event.type == "epoch":
            self._progress.update(
                self._bar,
                completed=data["epoch"],
                total=data["epochs"],
                description=self._label,
                figures=figures(data["metrics"]),
            )
            self._line(f"epoch {data['epoch']}/{data['epochs']}  {figures(data['metrics'])}")
        elif event.type == "phase":
            self._progress.update(self._bar, description=f"{self._label} · {data['phase']}")
            self._line(str(data["phase"]))
        elif event.type == "log":
            self._progress.console.print(Text(f"{data.get('level', '')}: {data.get('message', '')}"))

    def _line(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(Text(f"{self._label}: {text}"), soft_wrap=True)
