"""What came of one part of a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos import checker
from chaos.evidence import Evidence, gather
from chaos.faults import percentile, recoveries
from chaos.service import Service

from app.storage import open_store


@dataclass
class Options:
    """What a run was asked for."""

    seed: int
    jobs: int = 2000
    kills: int = 500
    trainings: int = 100
    rounds: int = 20
    seconds: float = 24 * 3600.0
    """After so long a storm begins nothing more, and is judged by what it did."""
    plant: str = ""
    """A bug of :mod:`chaos.planted` that the processes of a storm have, which is then to be found."""


@dataclass
class Outcome:
    """Figures of one part, and what it found broken."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[checker.Violation] = field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0
    recovered: dict[str, list[float]] = field(default_factory=dict)
    """The seconds from each kill until each job that it hit was begun again, by what was killed."""

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations


@contextmanager
def timed(outcome: Outcome) -> Iterator[Outcome]:
    """Note how long a part took."""
    begun = time.monotonic()
    yield outcome
    outcome.seconds = round(time.monotonic() - begun, 1)


def judge(outcome: Outcome, service: Service, *, skew: float = 0.0) -> Evidence:
    """Gather what a service that was stopped has left, and check it; clocks may be ``skew`` seconds off."""
    evidence = gather(
        service.settings.resolved_database_url,
        service.history.path,
        service.homes,
        is_scripted=not service.plan.trainer,
    )
    evidence.skew = skew
    if service.settings.files_url:
        # Somebody who has seen nothing of it so far.
        witness = service.settings.model_copy(update={"data_dir": service.folder / "witness"})
        evidence.shared = open_store(witness)
        evidence.shared.prepare()

    outcome.violations += checker.check(evidence)
    outcome.recovered = recoveries(evidence)
    outcome.figures |= checker.figures(evidence) | _faults(evidence, outcome.recovered)
    refused = [entry for entry in evidence.said("refused") if entry["status"] != 503]
    outcome.violations += [checker.Violation("503", f"answered {entry}") for entry in refused]
    outcome.figures["answers_503"] = len(evidence.said("refused")) - len(refused)
    return evidence


def _faults(evidence: Evidence, recovered: dict[str, list[float]]) -> dict[str, Any]:
    """Return how often each thing was hit, and how soon its jobs ran again."""
    found: dict[str, Any] = {}
    for entry in evidence.said("fault"):
        found[f"{entry['target']}_faults"] = found.get(f"{entry['target']}_faults", 0) + 1
    for target, seconds in recovered.items():
        found[f"{target}_recoveries"] = len(seconds)
        found[f"{target}_p50"], found[f"{target}_p99"] = percentile(seconds, 50), percentile(seconds, 99)
    return found


def log_of(folder: Path) -> str:
    """Return the end of what the programs of a part have printed."""
    return "\n".join(f"{log.name}: …{log.read_text()[-3000:]}" for log in sorted(folder.glob("*.log")))
