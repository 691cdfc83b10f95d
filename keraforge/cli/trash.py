"""``keraforge trash``."""

from typing import Annotated

import typer

import keraforge
from keraforge.cli.output import JsonFlag, moment, notes, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="What was deleted: list, restore.")


@app.command("list")
def list_trash(as_json: JsonFlag = False) -> None:
    """List what was deleted and can still be restored."""
    with keraforge.Client() as client:
        items = client.trash.list(limit=None)
    if as_json:
        print_json([item.raw for item in items])
        return
    print_table(
        ("Identifier", "Kind", "Name", "Deleted", "Kept until"),
        ((item.id, item.kind, item.name, moment(item.deleted_at), moment(item.kept_until)) for item in items),
        empty="The trash is empty.",
    )


@app.command("restore")
def restore(
    item: Annotated[str, typer.Argument(help="Its identifier, as the list shows it.")],
) -> None:
    """Take it out of the trash, under its old name; a dataset or a model with its versions.

    ```
    keraforge trash restore ds_01jd3n6y0q8v5w2x4z7b9c1d3f
    ```
    """
    with keraforge.Client() as client:
        client.trash.restore(item)
    notes.print(f"Restored {item}.")
