"""How every command ends: errors become one message on standard error and an exit status.

0 done; 1 refused or failed; 2 used wrongly; 3 no service answers; 130 interrupted.
"""

from typing import Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from keraforge.cli.output import harmless, notes
from keraforge.errors import KeraforgeError, NotRunning, Unauthorized

KEY_HINT = "The key is read from KERAFORGE_API_KEY, or from the file api-key in the data folder."


class Commands(TyperGroup):
    """The root of all commands."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; tell what went wrong."""
        try:
            return super().invoke(ctx)
        except KeraforgeError as error:
            notes.print(Text.assemble(("Error: ", "bold red"), harmless(str(error))), soft_wrap=True)
            if isinstance(error, Unauthorized):
                notes.print(Text(KEY_HINT), soft_wrap=True)
            raise typer.Exit(3 if isinstance(error, NotRunning) else 1) from error
