"""Leases are kept by each machine's own time of day."""

import time

from chaos.planted import Replace
from chaos.stage import Stage

from app.jobs import leasing

FOUND_BY = "I6"
SKEW_SECONDS = 3600.0


def plant(replace: Replace) -> None:
    """Ask the clock on the wall."""
    replace(leasing, "_seconds_since_boot", _on_the_wall)


def _on_the_wall() -> float:
    return time.time()


def scene(stage: Stage) -> None:
    """A worker whose clock is an hour ahead looks for lost jobs while another is at work."""
    stage.submit("one")
    attempt = stage.begin("right")
    attempt.beat()
    attempt.steps(3)
    right = time.time
    time.time = lambda: right() + SKEW_SECONDS
    try:
        stage.settle()
    finally:
        time.time = right
    attempt.finish()
    if again := stage.claim("ahead"):
        again.finish()
