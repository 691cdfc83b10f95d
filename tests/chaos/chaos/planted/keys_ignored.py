"""An Idempotency-Key is read, and nothing is made of it."""

from chaos.planted import Replace
from chaos.stage import Stage

from app.jobs import idempotency

FOUND_BY = "I7"


def plant(replace: Replace) -> None:
    """Find every key new."""
    replace(idempotency, "begin", lambda *_: None)
    replace(idempotency, "finish", lambda *_, **__: None)


def scene(stage: Stage) -> None:
    """A request is sent again."""
    stage.submit("one")
    stage.submit("one")
    while attempt := stage.claim():
        attempt.finish()
