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
    keraforge = own_command()
    facts = (
        ("Address", url, "cyan"),
        ("Browser", link, "cyan"),
        ("", f"opens once, within {LINK_MINUTES} minutes", "dim"),
        ("Data", str(folder), ""),
        ("Key", f"in {folder / 'api-key'}", ""),
        ("Next", f"export KERAFORGE_DATA_DIR={shlex.quote(str(folder))}", ""),
        ("", f"{keraforge} datasets create digits --builtin digits", ""),
        ("", f"{keraforge} train --model digits --dataset digits --preset cnn-small", ""),
        ("Stop", "Ctrl-C", ""),
    )
    title = Text.assemble(("\n  Keraforge is ready", "bold green"), (f"  after {seconds:.1f} s\n", "dim"))
    lines = [Text.assemble((f"  {name:<9}", "bold"), (value, style)) for name, value, style in facts]
    # In one piece, since the log goes on meanwhile; never wrapped by us, so that what is copied is one line.
    console.print(Text("\n").join([title, *lines, Text()]), soft_wrap=True)
