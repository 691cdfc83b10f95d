"""Nobody looks for a checkpoint: what was lost begins anew."""

from chaos.planted import Replace
from chaos.stage import Stage

from models import keeper

FOUND_BY = "I10"


def plant(replace: Replace) -> None:
    """Find none."""
    replace(keeper, "newest", lambda _folder: None)


def scene(stage: Stage) -> None:
    """A worker is killed in the second epoch."""
    stage.submit("one")
    stage.lose(stage.begin().steps(7))
    stage.begin().finish()
