"""Epochs that an attempt tells again, where it goes on, are written again."""

from chaos.planted import Replace
from chaos.stage import Stage

from app.jobs import recording

FOUND_BY = "I4"


def plant(replace: Replace) -> None:
    """Take everything for news."""
    replace(recording, "was_told", lambda *_: False)


def scene(stage: Stage) -> None:
    """A worker is killed in the third epoch."""
    stage.submit("one")
    stage.lose(stage.begin().steps(11))
    stage.begin().finish()
