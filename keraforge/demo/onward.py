"""How to go on: commands that work as they are printed."""

import json
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from keraforge.invocation import own_command, short

EXAMPLE = "digit.json"


def print_onward(console: Console, url: str, folder: Path, pixels: list[Any]) -> None:
    """Write the digit beside the key, and print commands that ask about it, with curl and without."""
    example = folder / EXAMPLE
    example.write_text(json.dumps({"instances": [pixels]}), encoding="utf-8")
    key, digit = (shlex.quote(short(path)) for path in (folder / "api-key", example))
    bearer = f'-H "Authorization: Bearer $(cat {key})"'
    _section(
        console,
        "Ask it yourself",
        f"curl {bearer} {url}/api/v1/models/digits/predict -d @{digit}",
        f"curl {bearer} {url}/api/v1/models/digits",
        f"curl {bearer} '{url}/api/v1/jobs?limit=1'",
    )
    keraforge = own_command()
    _section(
        console,
        "Or with the command line",
        f"export KERAFORGE_DATA_DIR={shlex.quote(str(folder))}",
        f"{keraforge} models show digits",
        f"{keraforge} train --model digits --dataset digits --preset cnn-small --set network.dropout=0.4",
    )


def _section(console: Console, title: str, *commands: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    for command in commands:
        # Never wrapped by us, so that what is copied from the terminal is one line.
        console.print(Text(f"  {command}", style="cyan"), soft_wrap=True)
