"""A request is answered before its transaction is committed, which follows a little later."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy.orm import Session

from app.database import Database

FOUND_BY = "I1"
LATER_SECONDS = 5.0


def plant(replace: Replace) -> None:
    """Commit later."""

    @contextmanager
    def write(self: Database) -> Iterator[Session]:
        session = self._writing()
        yield session
        timer = Timer(LATER_SECONDS, session.commit)
        timer.daemon = True
        # A process that is killed has no time left.
        timer.start()
        UNFINISHED.append((timer, session))

    replace(Database, "write", write)


UNFINISHED: list[tuple[Timer, Session]] = []


def scene(stage: Stage) -> None:
    """The web process is killed right after it has answered."""
    stage.submit("one")
    for timer, session in UNFINISHED:
        timer.cancel()
        session.close()
    UNFINISHED.clear()
    if attempt := stage.claim():
        attempt.finish()
