"""The merged log of ``keraforge up``: prefixed lines on the terminal, and a file for each program."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rich.console import Console
from rich.text import Text

MAX_BYTES, KEPT = 5_000_000, 3
COLOURS = {"web": "cyan", "worker": "magenta", "up": "yellow"}


class _File(RotatingFileHandler):
    """A file of lines; a disk that is full loses lines, not the service."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Say nothing: each line would be followed by a traceback."""


class Logs:
    """Where the programs' lines go; call it with a program's name and one line."""

    def __init__(
        self, folder: Path, names: Sequence[str], console: Console, *, max_bytes: int = MAX_BYTES
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._console = console
        self._width = max(len(name) for name in (*names, "up"))
        self._files = {
            name: _File(self.path(name), maxBytes=max_bytes, backupCount=KEPT, encoding="utf-8")
            for name in (*names, "up")
        }

    def path(self, name: str) -> Path:
        """Return the file that holds a program's lines."""
        return self._folder / f"{name}.log"

    def __call__(self, name: str, line: str) -> None:
        """Write one line."""
        self._files[name].emit(logging.makeLogRecord({"msg": line}))
        prefix = Text(f"{name:<{self._width}} │ ", style=COLOURS.get(name.partition("-")[0], ""))
        try:
            self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)
        except OSError:
            # A terminal that was closed must not end the service; the files have the line.
            self._console.quiet = True

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()
