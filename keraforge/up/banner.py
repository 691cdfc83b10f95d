"""What a person sees once the service is ready."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

LINK_MINUTES = 10


def print_banner(console: Console, *, url: str, link: str, folder: Path, seconds: float) -> None:
    """Print where the service is, how to open it in a browser, and how to go on.

    ``link`` opens the pages once; the key itself is never printed.
    """
    console.print()
    console.print(Text.assemble(("  Keraforge is ready", "bold green"), (f"  after {seconds:.1f} s", "dim")))
    console.print()
    rows = Table.grid(padding=(0, 2, 0, 2))
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    rows.add_row("Address", Text(url, style="cyan"))
    rows.add_row("Browser", Text(link, style="cyan"))
    rows.add_row("", Text(f"opens once, within {LINK_MINUTES} minutes", style="dim"))
    rows.add_row("Data", Text(str(folder)))
    rows.add_row("Key", Text(f"in {folder / 'api-key'}"))
    rows.add_row()
    rows.add_row("Next", Text(f"export KERAFORGE_DATA_DIR={folder}"))
    rows.add_row("", Text("keraforge datasets create digits --builtin digits"))
    rows.add_row("", Text("keraforge train --model digits --dataset digits --preset cnn-small"))
    rows.add_row("Stop", Text("Ctrl-C"))
    console.print(rows)
    console.print()
