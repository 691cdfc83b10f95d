"""The checker: decides from the evidence alone whether what was promised was kept."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from chaos import attempts, effects, files, promises
from chaos.evidence import Evidence


class Violation(NamedTuple):
    """A promise that was broken, by the name of the invariant."""

    invariant: str
    message: str


Check = Callable[[Evidence], Iterator[str]]

CHECKS: dict[str, tuple[Check, ...]] = {
    "I1": (promises.every_job_is_over, promises.nothing_acknowledged_is_lost, promises.cancels_hold),
    "I2": (effects.moves_are_legal, effects.each_succeeds_once, effects.versions_are_numbered),
    "I3": (attempts.no_stale_attempt_writes,),
    "I4": (effects.epochs_are_told_once, effects.curves_are_whole),
    "I5": (files.files_are_what_was_written,),
    "I6": (attempts.nobody_holds_a_job, attempts.nothing_is_taken_from_the_living, attempts.charged_fairly),
    "I7": (promises.one_key_makes_one_job,),
    "I9": (files.nothing_is_left_over,),
    "I10": (effects.ends_as_if_uninterrupted, attempts.goes_on_from_its_checkpoint),
}


def check(evidence: Evidence) -> list[Violation]:
    """Return every violation of every invariant."""
    return [
        Violation(invariant, message)
        for invariant, checks in CHECKS.items()
        for each in checks
        for message in each(evidence)
    ]


def figures(evidence: Evidence) -> dict[str, int]:
    """Return what a run comes to, in numbers."""
    lost = sum(1 for _ in promises.nothing_acknowledged_is_lost(evidence))
    doubled = sum(1 for _ in effects.each_succeeds_once(evidence))
    doubled += sum(1 for _ in promises.one_key_makes_one_job(evidence))
    states = Counter(job.state for job in evidence.trainings)
    return {
        "acknowledged": len(evidence.acknowledged),
        "succeeded": states["succeeded"],
        "cancelled": states["cancelled"],
        "poison": sum(1 for job in evidence.trainings if evidence.is_poison(job)),
        "lost": lost,
        "doubled": doubled,
        "attempts": sum(job.attempt for job in evidence.trainings),
        "resumed": attempts.resumptions(evidence),
        "artifacts": sum(len(version.files) for version in evidence.versions),
        "damaged": sum(1 for _ in files.files_are_what_was_written(evidence)),
    }
