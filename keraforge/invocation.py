"""How this program was called, for commands that are to work as they are printed."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def own_command() -> str:
    """Return ``keraforge`` if the shell finds this installation under that name, else its path."""
    own = Path(sys.executable).with_name("keraforge")
    found = shutil.which("keraforge")
    if found is not None and Path(found).resolve() == own.resolve():
        return "keraforge"
    return shlex.quote(short(own))


def short(path: Path) -> str:
    """Return the path as seen from the working directory, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
