"""What we compare ourselves with, each in a virtual environment of its own below ``build/peers``."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console

PEERS_FOLDER = Path(__file__).parent / "peers"
ENVIRONMENTS = Path("build/peers").absolute()


def installed(name: str, console: Console) -> bool:
    """Install a peer if it is not there; tell of one that cannot be, and return False."""
    environment = ENVIRONMENTS / name
    if (environment / "ready").exists():
        return True
    console.print(f"Installing {name} …")
    python = str(environment / "bin/python")
    requirements = str(PEERS_FOLDER / name / "requirements.txt")
    try:
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
    except subprocess.CalledProcessError:
        console.print(f"[yellow]{name} cannot be installed here and is left out[/]")
        return False
    (environment / "ready").touch()
    return True
