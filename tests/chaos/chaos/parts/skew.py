"""Clocks of workers are an hour ahead and an hour behind; nothing is taken from a worker that lives."""

import importlib.util
from pathlib import Path

from chaos.client import jobs, submit_all
from chaos.faults import Killer, drawn
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import Service, running
from chaos.standing import ground
from chaos.waiting import until

SKEWS = {"worker-0": "+1h", "worker-1": "-1h"}


def run(options: Options, folder: Path) -> Outcome:
    """Run jobs on two workers that disagree by two hours, and kill some of them."""
    outcome = Outcome("skew")
    library = _library()
    if library is None:
        outcome.skipped = "the wheel libfaketime is not installed"
        return outcome

    def skewed(name: str, variables: dict[str, str]) -> dict[str, str]:
        if name not in SKEWS:
            return variables
        # Timed waits would hang on a monotonic clock that is not the kernel's.
        fake = {"FAKETIME": SKEWS[name], "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return variables | fake | {"LD_PRELOAD": str(library)}

    with timed(outcome), ground(folder) as servers:
        plan = servers.plan()
        plan.wrapped = skewed
        with running(folder, plan, options.seed) as service:
            half = options.jobs // 2
            wanted = jobs(options.jobs, options.seed)
            submit_all([service.client()], wanted[:half])
            service.wait()
            outcome.figures["taken_from_the_living"] = _begun_again(service)
            submit_all([service.client()], wanted[half:])
            killer = Killer(service, options.seed)
            for target in drawn(options.kills, options.seed, {"child": 0.6, "worker": 0.4}):
                until(lambda: service.over() == options.jobs or killer.strike(target), "a victim")  # noqa: B023
            service.wait()
            service.settle()
        judge(outcome, service, skew=3600.0)
    return outcome


def _begun_again(service: Service) -> int:
    items = service.client().send("GET", "/api/v1/jobs", params={"limit": 200}).json()["items"]
    return sum(job["attempt"] > 1 for job in items)


def _library() -> Path | None:
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    return next(iter(sorted(Path(found.origin).parent.rglob("libfaketimeMT.so*"))), None) or next(
        iter(sorted(Path(found.origin).parent.rglob("libfaketime*.so*"))), None
    )
