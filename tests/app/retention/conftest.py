"""An installation whose garbage is looked for, at any moment."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.identifiers import new_id
from app.retention import collecting
from app.retention.garbage import Garbage, Site
from app.settings import Settings
from app.storage import Store
from app.tables.base import now

DAY = 24 * 3600.0


class Yard:
    """Files and rows of one installation, and what is collected of them."""

    def __init__(self, settings: Settings, database: Database, store: Store) -> None:
        self.settings, self.database, self.store = settings, database, store

    def site(self, days: float = 0.0) -> Site:
        """Return the installation in so many days."""
        return Site(self.settings, self.database, self.store, now() + timedelta(days=days))

    def plan(self, days: float = 0.0) -> list[Garbage]:
        return list(collecting.plan(self.site(days)))

    def run(self, days: float = 0.0) -> list[Garbage]:
        return list(collecting.run(self.site(days)))

    def keep(self, content: str, age: float = 0.0) -> dict[str, Any]:
        """Add a file to the store so many seconds ago; return how a row names it."""
        path = self.store.staging / new_id("file")
        path.write_text(content)
        stored = self.store.adopt(path)
        aged(self.store.path(stored.sha256), age)
        return {"sha256": stored.sha256, "bytes": stored.bytes}

    def has(self, file: dict[str, Any]) -> bool:
        return self.store.path(file["sha256"]).exists()

    def folder(self, path: Path, content: str, age: float) -> Path:
        """Make a folder of that age with one file."""
        path.mkdir(parents=True)
        aged(path / "file", age, content)
        aged(path, age)
        return path


def aged(path: Path, age: float, content: str | None = None) -> Path:
    """Have a file, written now if it has a ``content``, look so many seconds old."""
    if content is not None:
        path.write_text(content)
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def yard(settings: Settings, database: Database, store: Store) -> Yard:
    return Yard(settings, database, store)


@pytest.fixture
def older() -> Callable[..., Path]:
    """Have a file look older."""
    return aged
