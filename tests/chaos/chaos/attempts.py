"""What becomes of attempts: I3, the fence; I6, leases; I10, that they go on from checkpoints."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from chaos.evidence import Evidence

from app.jobs.states import HELD
from app.tables import Event, Job

_OWN_WORDS = re.compile(r"Attempt (\d+) ended epoch \d+\.")
_RESUMED = re.compile(r"Resumed after epoch (\d+), step (\d+)\.")
# How long before the end of an attempt the fault may have happened that it died of: a lease, a look, a load.
MEMORY_SECONDS = 120.0


class Place(NamedTuple):
    """How far a training was."""

    epoch: int
    step: int


def resumed_after(event: Event) -> Place | None:
    """Return where an attempt went on, if that is what the event tells."""
    found = _RESUMED.fullmatch(event.data.get("message", "")) if event.type == "log" else None
    return Place(*map(int, found.groups())) if found else None


def resumptions(evidence: Evidence) -> int:
    """Return how many attempts went on from a checkpoint."""
    return sum(resumed_after(event) is not None for events in evidence.events.values() for event in events)


def no_stale_attempt_writes(evidence: Evidence) -> Iterator[str]:
    """Attempts follow each other, and what a child says stands under its own attempt."""
    for job_id, events in evidence.events.items():
        newest = 0
        for event in events:
            if event.attempt < newest:
                yield f"{job_id}: attempt {event.attempt} wrote {event.type} after attempt {newest} had begun"
            newest = max(newest, event.attempt)
            words = _OWN_WORDS.fullmatch(event.data.get("message", "")) if event.type == "log" else None
            if words and int(words[1]) != event.attempt:
                yield f"{job_id}: attempt {words[1]} wrote in the name of {event.attempt}"


def nobody_holds_a_job(evidence: Evidence) -> Iterator[str]:
    """When all is over no worker holds a job, and each was begun as often as its row says."""
    for job in evidence.jobs.values():
        if job.state in HELD:
            yield f"{job.id} is held by {job.worker} until {job.lease_until}"
        begun = [event.attempt for event in evidence.of(job, "state") if event.data["state"] == "running"]
        if begun != list(range(1, job.attempt + 1)):
            yield f"{job.id} is in attempt {job.attempt}, and was begun as {begun}"


def nothing_is_taken_from_the_living(evidence: Evidence) -> Iterator[str]:
    """An attempt breaks off only after a fault: a lease that is kept does not run out."""
    faults = [entry["at"] for operation in ("fault", "drain") for entry in evidence.said(operation)]
    for job in evidence.trainings:
        for event in evidence.of(job, "state"):
            if event.data["state"] == "queued" and event.attempt > 0:
                ended = event.at.timestamp()
                if not any(-evidence.skew <= ended - at <= MEMORY_SECONDS + evidence.skew for at in faults):
                    yield f"{job.id} was taken from attempt {event.attempt}, and nothing had happened"


def charged_fairly(evidence: Evidence) -> Iterator[str]:
    """Restarts are charged for faults only, and for no more attempts than left no checkpoint of their own."""
    faults = evidence.said("fault")
    for job in evidence.trainings:
        if job.restarts and not faults:
            yield f"{job.id} was charged {job.restarts} restarts, and nothing had happened"
        lost = [event.attempt for event in evidence.of(job, "state") if _is_back(event)]
        kept = {event.attempt for event in evidence.of(job, "checkpoint")}
        idle = [attempt for attempt in lost if attempt not in kept]
        if job.restarts > len(idle):
            yield f"{job.id} was charged {job.restarts} restarts, and lost {len(idle)} attempts idly"


def goes_on_from_its_checkpoint(evidence: Evidence) -> Iterator[str]:
    """What was safe is not computed again: an attempt goes on from the newest checkpoint that was told of."""
    for job in evidence.trainings:
        safe, damaged, place = _safe_steps(evidence, job), _damaged(evidence, job), 0
        for event in evidence.events[job.id]:
            if event.type == "state":
                place = 0
            elif (found := resumed_after(event)) is not None:
                place = found.step
            elif event.type in {"epoch", "checkpoint"} and not damaged:
                wanted = safe.pop(event.attempt, 0)
                if place < wanted:
                    yield f"{job.id}: attempt {event.attempt} went on from step {place}, not {wanted}"


def _safe_steps(evidence: Evidence, job: Job) -> dict[int, int]:
    """Return the step that was safe before each attempt, of those that had any."""
    safe, newest = {}, 0
    for event in evidence.events[job.id]:
        if event.type == "checkpoint":
            newest = max(newest, event.data["step"])
        elif event.type == "state" and event.data["state"] == "running" and newest:
            safe[event.attempt] = newest
    return safe


def _damaged(evidence: Evidence, job: Job) -> bool:
    return any(entry.get("job") == job.id for entry in evidence.said("damage"))


def _is_back(event: Event) -> bool:
    return event.type == "state" and event.data["state"] == "queued" and event.attempt > 0
