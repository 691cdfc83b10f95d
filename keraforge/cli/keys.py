"""``keraforge keys``."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

import keraforge
from keraforge.cli.output import JsonFlag, moment, notes, print_json, print_table, results

app = typer.Typer(no_args_is_help=True, help="Keys that open the service: create, list, revoke.")

SCOPES = "datasets:read, datasets:write, jobs:read, jobs:write, models:read, models:write, predict, admin"


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, to recognise it in the list.")],
    scope: Annotated[list[str], typer.Option(help=f"What it may do; may be repeated: {SCOPES}.")],
    days: Annotated[int | None, typer.Option(help="Days after which it expires.", min=1)] = None,
    as_json: JsonFlag = False,
) -> None:
    """Create a key and print its text, this once: only a digest is kept.

    ```
    keraforge keys create camera --scope predict --days 90
    ```
    """
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with keraforge.Client() as client:
        key = client.keys.create(name, scope, expires_at=expires_at)
    if as_json:
        print_json(key.raw)
        return
    results().print(Text(key.key or ""), soft_wrap=True)
    notes.print(f"This is the only time that the key {key.id} is shown. Keep it safe.")


@app.command("list")
def list_keys(as_json: JsonFlag = False) -> None:
    """List all keys, without their texts."""
    with keraforge.Client() as client:
        keys = client.keys.list()
    if as_json:
        print_json([key.raw for key in keys])
        return
    print_table(
        ("Identifier", "Name", "Scopes", "Created", "Expires", "Revoked", "Last used"),
        (
            (
                key.id,
                key.name,
                key.scopes,
                moment(key.created_at),
                moment(key.expires_at),
                moment(key.revoked_at),
                moment(key.last_used_at),
            )
            for key in keys
        ),
        empty="No keys.",
    )


@app.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="Identifier of the key, as the list shows it.")]) -> None:
    """Revoke a key; what it opened is closed within a second."""
    with keraforge.Client() as client:
        client.keys.revoke(key)
