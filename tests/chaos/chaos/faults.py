"""Faults as they happen: what is killed, who was at work there, and how long until each was at work again."""

import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from chaos.evidence import Evidence
from chaos.programs import Program
from chaos.service import Service

# A job that is lost more often, and had never got any further, is given up: that is promised too.
MOST_HITS = 3


class Killer:
    """Kills parts of a service, and notes it; ``servers`` are what it stands on."""

    def __init__(
        self, service: Service, seed: int, servers: Sequence[Program] = (), most_hits: int = MOST_HITS
    ) -> None:
        self.done = 0
        self._most_hits = most_hits
        self._hits: Counter[str] = Counter()
        self._service, self._choose = service, random.Random(seed)
        self._servers = {server.name: server for server in servers}

    def strike(self, target: str) -> bool:
        """Kill one of ``worker``, ``child``, ``web`` or a server; False if there is none to be killed."""
        struck = self._child() if target == "child" else self._program(target)
        self.done += struck
        return struck

    def _child(self) -> bool:
        children = [child for child in self._service.children() if self._hits[child[1]] < self._most_hits]
        if not children:
            return False
        pid, job, attempt = self._choose.choice(children)
        self._hits[job] += 1
        self._service.history.write("fault", target="child", victims=[[job, attempt]])
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def _program(self, target: str) -> bool:
        program, place = self._find(target)
        if program.pid is None:
            return False
        victims = [[job, attempt] for _, job, attempt in self._service.children(place)]
        if target == "worker":
            if any(self._hits[job] >= self._most_hits for job, _ in victims):
                return False
            self._hits.update(job for job, _ in victims)
        self._service.history.write("fault", target=target, victims=victims if target == "worker" else [])
        return program.kill()

    def _find(self, target: str) -> tuple[Program, str]:
        if target == "worker":
            number = self._choose.randrange(len(self._service.workers))
            return self._service.workers[number], self._service.homes[number].name
        return (self._service.web if target == "web" else self._servers[target]), ""


def drawn(kills: int, seed: int, shares: Mapping[str, float]) -> list[str]:
    """Return what is to be killed, in what order: so many of each as its share says."""
    targets = [name for name, share in shares.items() for _ in range(round(kills * share))]
    random.Random(seed).shuffle(targets)
    return targets[:kills]


def recoveries(evidence: Evidence) -> dict[str, list[float]]:
    """Return the seconds from each kill to the next attempt of each job that was hit, sorted, by target."""
    begun = {
        (job_id, event.attempt): event.at.timestamp()
        for job_id, events in evidence.events.items()
        for event in events
        if event.type == "state" and event.data["state"] == "running"
    }
    found = defaultdict(list)
    for entry in evidence.said("fault"):
        for job, attempt in entry.get("victims", []):
            again = begun.get((job, attempt + 1))
            # One that had finished when it was hit has no next attempt.
            if again is not None and again >= entry["at"]:
                found[entry["target"]].append(round(again - entry["at"], 3))
    return {target: sorted(seconds) for target, seconds in found.items()}


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return a percentile of sorted figures, to hundredths; None of none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 2)
