"""A file is written under its last name, and one that is there already is taken to be whole."""

import os
from contextlib import suppress
from pathlib import Path

from chaos.planted import Replace
from chaos.stage import PowerCut, Stage

from app.storage import Store, Stored, file_digest

FOUND_BY = "I5"


def plant(replace: Replace) -> None:
    """Write in place, and look at names only."""

    def adopt(self: Store, source: Path, digest: str | None = None) -> Stored:
        digest, content = digest or file_digest(source), source.read_bytes()
        target = self.path(digest)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.write(content[: len(content) // 2])
                file.flush()
                os.fsync(file.fileno())
                file.write(content[len(content) // 2 :])
        return Stored(digest, len(content))

    replace(Store, "adopt", adopt)


def scene(stage: Stage) -> None:
    """The power is cut while the first file is brought to the disk; the job is begun again."""
    stage.submit("one")
    first, sync = stage.begin().steps(14), os.fsync
    os.fsync = _cut
    try:
        with suppress(PowerCut):
            first.steps(1, kept=False).finish()
    finally:
        os.fsync = sync
    stage.lose(first)
    stage.begin().finish()


def _cut(_descriptor: int) -> None:
    raise PowerCut
