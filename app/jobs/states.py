"""The states of a job and the moves between them."""

from typing import Literal

JobState = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
JobKind = Literal["training", "reading"]
Slot = Literal["training", "light"]

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
ACTIVE: frozenset[str] = frozenset({"queued", "running", "cancelling"})

# A cancel that was accepted wins, even over a child that has finished or failed meanwhile; one that comes
# later finds the job at its end, and is refused.
MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"running", "cancelled", "failed"}),
    "running": frozenset({"succeeded", "failed", "cancelling", "queued"}),
    "cancelling": frozenset({"cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}

SLOT_OF_KIND: dict[str, Slot] = {"training": "training", "reading": "light"}
