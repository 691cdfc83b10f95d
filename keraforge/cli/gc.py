"""``keraforge gc``: what is of no use any more, on this machine and in the database."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import typer
from rich.filesize import decimal

from keraforge.cli.output import JsonFlag, notes, print_json, print_table
from keraforge.cli.settings import service_installed, settings_with
from keraforge.cli.up import DatabaseUrl, DataDir

if TYPE_CHECKING:
    from app.retention.garbage import Garbage

app = typer.Typer(no_args_is_help=True, help="Collect what is of no use any more: plan, run.")

KINDS = {
    "trash": "deleted things",
    "log": "logs of jobs",
    "checkpoint": "checkpoints",
    "order": "orders of attempts",
    "staging": "files that were arriving",
    "object": "files in the store",
}


@app.command("plan")
def plan(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: JsonFlag = False) -> None:
    """Tell what `keraforge gc run` would remove, and why; nothing is changed."""
    _collect("plan", data_dir, database_url, as_json)


@app.command("run")
def run(*, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: JsonFlag = False) -> None:
    """Remove what is of no use and a day old; safe while the service runs.

    Datasets, models and their versions go only when they were deleted, and have been in the trash for
    `KERAFORGE_TRASH_DAYS`. Run it on every machine that has a data folder, once a day for example.
    """
    _collect("run", data_dir, database_url, as_json)


def _collect(
    what: Literal["plan", "run"], data_dir: DataDir, database_url: DatabaseUrl, as_json: bool
) -> None:
    settings = settings_with(data_dir=data_dir, database_url=database_url)
    with service_installed():
        from keraforge.up import sweeping  # noqa: PLC0415 - the client lacks what the service needs
    found = list(sweeping.collect(settings, remove=what == "run"))
    if as_json:
        print_json(
            [{name: getattr(each, name) for name in ("kind", "name", "reason", "bytes")} for each in found]
        )
        return
    _print(found)
    total = decimal(sum(each.bytes for each in found))
    notes.print(f"{total} would be freed." if what == "plan" else f"{total} freed.")


def _print(found: "Iterable[Garbage]") -> None:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in found:
        groups[KINDS[each.kind], each.reason].append(each.bytes)
    print_table(
        ("What", "Why", "How many", "Size"),
        ((kind, why, len(sizes), decimal(sum(sizes))) for (kind, why), sizes in groups.items()),
        empty="Nothing to collect.",
    )
