"""An upload on disk, and what reading it may take."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Report = Callable[[int, int], None]
"""Told now and then how much of what there is to do is done; may raise, to end the work."""


def unheard(done: int, whole: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Upload:
    """A file as it came; ``scratch`` is a folder for what is unpacked, at most ``max_bytes`` of it."""

    path: Path
    filename: str
    scratch: Path
    max_bytes: int
    report: Report = unheard

    @property
    def ending(self) -> str:
        """The last part of the file's name, lower case, such as ``.csv``; empty if there is none."""
        return Path(self.filename).suffix.lower()
