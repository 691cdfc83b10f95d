"""Bugs to plant: each module here has one, and a checker that is worth anything finds all of them."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

BUGS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))

Replace = Callable[[Any, str, Any], None]
"""Sets an attribute, as ``setattr`` does, or a test's ``monkeypatch.setattr``."""


def plant(name: str, replace: Replace = setattr) -> None:
    """Plant the bug of that name in this process; nothing where there is no name."""
    if name:
        import_module(f"chaos.planted.{name}").plant(replace)
