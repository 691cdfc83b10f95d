"""The states of a job, the moves between them, and what a person may ask for in each."""

from typing import Literal, get_args

JobState = Literal["queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"]
JobKind = Literal["training", "reading", "evaluation"]
Slot = Literal["training", "light"]
Verb = Literal["stop", "pause", "resume", "retry", "cancel", "clone"]

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
ACTIVE: frozenset[str] = frozenset(get_args(JobState)) - TERMINAL
# A worker holds the job; its child may still report.
HELD: frozenset[str] = frozenset({"running", "pausing", "cancelling"})

# A cancel that was accepted wins, even over a child that has finished or failed meanwhile; one that comes
# later finds the job at its end, and is refused. A pause loses to such a child.
MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"running", "paused", "cancelled", "failed"}),
    "running": frozenset({"succeeded", "failed", "cancelling", "pausing", "queued"}),
    "pausing": frozenset({"paused", "succeeded", "failed", "cancelling"}),
    "paused": frozenset({"queued", "cancelled"}),
    "cancelling": frozenset({"cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset({"queued"}),
    "cancelled": frozenset(),
}

# What was asked for already may be asked for again.
VERBS: dict[Verb, frozenset[JobState]] = {
    "stop": frozenset({"running"}),
    "pause": frozenset({"queued", "running", "pausing", "paused"}),
    "resume": frozenset({"paused"}),
    "retry": frozenset({"failed"}),
    "cancel": frozenset({"queued", "running", "pausing", "paused", "cancelling"}),
    "clone": frozenset(get_args(JobState)),
}
# Others have no network that could be kept, and no settings that could be edited.
_OF_ALL: frozenset[Verb] = frozenset({"pause", "resume", "retry", "cancel"})
VERBS_OF_KIND: dict[str, frozenset[Verb]] = {
    "training": frozenset(VERBS),
    "reading": _OF_ALL,
    "evaluation": _OF_ALL,
}

SLOT_OF_KIND: dict[str, Slot] = {"training": "training", "reading": "light", "evaluation": "light"}


def possible(kind: str, state: str) -> list[Verb]:
    """Return what may be asked for of a job of this kind in this state."""
    return [verb for verb, states in VERBS.items() if verb in VERBS_OF_KIND[kind] and state in states]
