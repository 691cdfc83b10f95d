"""What a person sees once the service is ready."""

import shlex
from pathlib import Path

from rich.console import Console
from rich.text import Text

from keraforge.invocation import own_command

LINK_MINUTES = 10


def print_banner(console: Console, *, url: str, link: str, folder: Path, seconds: float) -> None:
    """Print where the service is, how to open it in a browser, and how to go on.

    ``link`` opens the pages once; the key itself is never printed.
    """
    console.print()
    console.print(Text.assemble(("  Keraforge is ready", "bold green"), (f"  after {seconds:.1f} s", "dim")))
    console.print()
    keraforge = own_command()
    for name, value, style in (
        ("Address", url, "cyan"),
        ("Browser", link, "cyan"),
        ("", f"opens once, within {LINK_MINUTES} minutes", "dim"),
        ("Data", str(folder), ""),
        ("Key", f"in {folder / 'api-key'}", ""),
        ("Next", f"export KERAFORGE_DATA_DIR={shlex.quote(str(folder))}", ""),
        ("", f"{keraforge} datasets create digits --builtin digits", ""),
        ("", f"{keraforge} train --model digits --dataset digits --preset cnn-small", ""),
        ("Stop", "Ctrl-C", ""),
    ):
        # Never wrapped by us, so that what is copied from the terminal is one line.
        console.print(Text.assemble((f"  {name:<9}", "bold"), (value, style)), soft_wrap=True)
    console.print()
