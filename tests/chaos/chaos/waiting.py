"""Waiting for what should happen, and saying what did not."""

import time
from collections.abc import Callable
from typing import Any

DEADLINE_SECONDS = 600.0


class TookTooLong(Exception):
    """Something did not happen that should have."""


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """Wait for something to be true and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)
    return found
