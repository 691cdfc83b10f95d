"""What jobs left in the database: I2, one success; I4, each epoch once; I10, the same end."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from chaos import fold
from chaos.attempts import resumed_after
from chaos.evidence import Evidence

from app.jobs.states import MOVES
from app.tables import Job


def moves_are_legal(evidence: Evidence) -> Iterator[str]:
    """The states that a job told of are a way through the table of moves, and end where its row is."""
    for job in evidence.jobs.values():
        states = [event.data["state"] for event in evidence.of(job, "state")]
        if not states or states[0] != "queued" or states[-1] != job.state:
            yield f"{job.id} is {job.state} and told of {states}"
        for source, target in pairwise(states):
            if target not in MOVES[source]:
                yield f"{job.id} went from {source} to {target}"


def each_succeeds_once(evidence: Evidence) -> Iterator[str]:
    """One success and one version for each training that succeeded, none for any other."""
    published = evidence.published()
    for job in evidence.trainings:
        wanted = 1 if job.state == "succeeded" else 0
        told = sum(1 for event in evidence.of(job, "state") if event.data["state"] == "succeeded")
        versions = [version.id for version in published[job.id]]
        if told != wanted or len(versions) != wanted:
            yield f"{job.id} is {job.state}, succeeded {told} times, has {len(versions)} versions"
        elif wanted and versions != [job.model_version_id]:
            yield f"{job.id} names {job.model_version_id}, and made {versions}"


def versions_are_numbered(evidence: Evidence) -> Iterator[str]:
    """The versions of a model are 1, 2, 3 …"""
    numbers = defaultdict(list)
    for version in evidence.versions:
        numbers[version.model_id].append(version.number)
    for model, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"{model} has versions {sorted(found)}"


def epochs_are_told_once(evidence: Evidence) -> Iterator[str]:
    """Each attempt tells of the epoch after the last one that counts, and of none twice."""
    for job in evidence.trainings:
        last, counted = 0, 0
        for event in evidence.events[job.id]:
            if event.type == "state" and event.data["state"] == "running":
                # Unless it says otherwise, an attempt begins from nothing.
                last = 0
            elif (place := resumed_after(event)) is not None:
                last = counted = min(counted, place.epoch)
            elif event.type == "epoch":
                number = event.data["epoch"]
                if number != last + 1:
                    yield f"{job.id}: attempt {event.attempt} tells of epoch {number} after {last}"
                last = counted = number


def curves_are_whole(evidence: Evidence) -> Iterator[str]:
    """The curve of a scripted job that succeeded has each epoch once, with the figure that it must have."""
    for job in _succeeded_folds(evidence):
        _, losses = fold.expected(evidence.work(job))
        for key in ("loss", "val_loss"):
            found = [(point.step, point.value) for point in evidence.points[job.id] if point.key == key]
            if found != list(losses.items()):
                yield f"{job.id}: {key} is {found}, expected {losses}"


def ends_as_if_uninterrupted(evidence: Evidence) -> Iterator[str]:
    """A scripted job that succeeded computed what one computes that nothing interrupts."""
    for job in _succeeded_folds(evidence):
        state, losses = fold.expected(evidence.work(job))
        best = min(losses, key=lambda step: losses[step])
        if (job.result or {}).get("metrics") != {"loss": fold.loss(state)}:
            yield f"{job.id} ended with {job.result}"
        if (job.best or {}).get("epoch") != best // fold.STEPS:
            yield f"{job.id} takes epoch {job.best} for the best, which is {best // fold.STEPS}"


def _succeeded_folds(evidence: Evidence) -> list[Job]:
    is_fold = evidence.is_scripted
    return [job for job in evidence.trainings if is_fold and job.state == "succeeded"]
