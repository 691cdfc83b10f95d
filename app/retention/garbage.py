"""What is of no use any more: one thing of it, and where it is looked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from app.database import Database
from app.settings import Settings
from app.storage import Store
from app.tables.base import now

Kind = Literal["trash", "log", "checkpoint", "order", "staging", "object"]
# What is younger may be of use to somebody who has not said so yet.
SPARED = timedelta(hours=24)


@dataclass(frozen=True)
class Site:
    """One installation at one moment: all that is older than it may be is older than that."""

    settings: Settings
    database: Database
    store: Store
    moment: datetime = field(default_factory=now)

    @property
    def horizon(self) -> datetime:
        """Whatever is younger than this stays."""
        return self.moment - SPARED

    def age(self, path: Path) -> timedelta:
        """Return how long nothing has changed about a file, or about the names in a folder."""
        return self.moment - datetime.fromtimestamp(path.lstat().st_mtime, self.moment.tzinfo)


@dataclass(frozen=True)
class Garbage:
    """One thing that may go.

    ``remove`` looks once more whether it may, and returns whether it is gone.
    """

    kind: Kind
    name: str
    reason: str
    bytes: int
    remove: Callable[[], bool] = field(repr=False, compare=False)
