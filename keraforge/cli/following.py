"""Following a job on the terminal: a bar that fills, with the figures of each epoch as they come."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from keraforge.cli.output import harmless
from keraforge.client.records import Event

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")
# Where the terminal is too narrow for all of them.
FEW_FIGURES = ("loss", "accuracy")
WIDE_COLUMNS = 110
BAR_CELLS = 20


def follow(events: Iterable[Event], console: Console, label: str) -> None:
    """Show events until they end.

    Where there is no terminal, each epoch and each phase is a line of its own.
    """
    show = _on_terminal if console.is_terminal else _line_by_line
    show(events, console, label)


def figures(metrics: Mapping[str, Any], names: Sequence[str] = FIGURES) -> str:
    """Return the figures of an epoch: ``loss 0.1234  accuracy 0.9670``."""
    return "  ".join(
        f"{name} {metrics[name]:.4f}" for name in names if isinstance(metrics.get(name), int | float)
    )


def _on_terminal(events: Iterable[Event], console: Console, label: str) -> None:
    names = FIGURES if console.width >= WIDE_COLUMNS else FEW_FIGURES
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True), markup=False),
        BarColumn(BAR_CELLS),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}", table_column=Column(no_wrap=True), markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(label, total=None, said="waiting")
        for event in events:
            data = event.data
            if event.type == "epoch":
                said = figures(data["metrics"], names)
                progress.update(bar, completed=data["epoch"], total=data["epochs"], said=said)
            elif event.type == "phase" and not progress.tasks[0].completed:
                progress.update(bar, said=data["phase"])
            elif event.type == "log":
                progress.console.print(_log_line(data))


def _line_by_line(events: Iterable[Event], console: Console, label: str) -> None:
    for event in events:
        data = event.data
        if event.type == "epoch":
            said = f"epoch {data['epoch']}/{data['epochs']}  {figures(data['metrics'])}"
        elif event.type == "phase":
            said = data["phase"]
        elif event.type == "log":
            said = str(_log_line(data))
        else:
            continue
        console.print(Text(f"{label}: {said}"), soft_wrap=True)


def _log_line(data: Mapping[str, Any]) -> Text:
    return Text(harmless(f"{data.get('level', 'info')}: {data.get('message', '')}"))
