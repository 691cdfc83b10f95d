"""The history of a run as its client saw it: a JSON object a line, written before anything depends on it."""

import json
import threading
import time
from pathlib import Path
from typing import Any


class History:
    """Appends entries to a file; threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, operation: str, **facts: Any) -> None:
        """Write one entry, with the time of day."""
        line = json.dumps({"at": time.time(), "op": operation, **facts}) + "\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a history, in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
