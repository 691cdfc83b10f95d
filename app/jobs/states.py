"""The states of a job and the moves between them."""

from typing import Literal

JobState = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
JobKind = Literal["training", "reading"]
Slot = Literal["training", "light"]

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
ACTIVE: frozenset[str] = frozenset({"queued", "running", "cancelling"})

# A cancelling job also ends ``succeeded`` or ``failed`` if its child was faster than the cancel.
MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"running", "cancelled", "failed"}),
    "running": frozenset({"succeeded", "failed", "cancelling", "queued"}),
    "cancelling": frozenset({"cancelled", "succeeded", "failed"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}

SLOT_OF_KIND: dict[str, Slot] = {"training": "training", "reading": "light"}


def sources_of(target: str) -> frozenset[str]:
    """Return the states from which ``target`` can be reached in one move."""
    return frozenset(source for source, targets in MOVES.items() if target in targets)
