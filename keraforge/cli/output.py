"""What commands print: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# A pipe has no width; nothing is cut short for it.
PIPE_WIDTH = 200

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else, for scripts.")]

STATE_STYLES = {
    "queued": "dim",
    "reading": "cyan",
    "running": "cyan",
    "cancelling": "yellow",
    "succeeded": "green",
    "ready": "green",
    "failed": "red",
    "invalid": "red",
    "cancelled": "yellow",
}

notes = Console(stderr=True)


def results() -> Console:
    """Return the console of results; it is made anew since tests exchange standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_json(value: Any) -> None:
    """Print one JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings; ``empty`` is said instead where there are none."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    if table.row_count:
        results().print(table)
    else:
        notes.print(empty)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair on a line, without those that have no value."""
    known = [(name, value) for name, value in facts if value not in (None, "", [], {})]
    width = max(len(name) for name, _ in known)
    for name, value in known:
        results().print(Text.assemble((f"{name:<{width}}  ", "bold"), shown(value)), soft_wrap=True)


def shown(value: object) -> Text:
    """Return a value as people read it; states are coloured."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    if isinstance(value, dict):
        return Text(", ".join(f"{harmless(key)} {shown(item)}" for key, item in value.items()))
    if isinstance(value, list):
        return Text(harmless(", ".join(str(item) for item in value)))
    return Text(harmless(str(value)), style=STATE_STYLES.get(str(value), ""))


def harmless(text: str) -> str:
    """Return text that others wrote without what a terminal would obey."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text
    )


def moment(text: str | None) -> str | None:
    """Return a time of the service without fractions of a second."""
    return text and text.partition(".")[0].removesuffix("Z").replace("T", " ")
