"""How long a job is not at work after its child, or its worker, was killed; all settings are the defaults.

A worker that was killed stays away until another one has its jobs.
"""

import random
import time
from pathlib import Path

from chaos.client import body_of, submit_all
from chaos.faults import Killer
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import Service, running
from chaos.standing import ground
from chaos.waiting import until

SLOTS = 6
CHILDREN = 6
FURTHER_SECONDS = 1.0


def run(options: Options, folder: Path) -> Outcome:
    """Kill children, then a worker, ``rounds`` times."""
    choose = random.Random(options.seed)
    with timed(Outcome("recovery")) as outcome, ground(folder) as servers:
        with running(folder, servers.plan(slots=SLOTS), options.seed) as service:
            killer, client = Killer(service, options.seed, most_hits=10**6), service.client()
            jobs = [_endless(options.seed, number) for number in range(SLOTS)]
            submit_all([client], jobs, again=0)
            _all_at_work(service)
            for _ in range(options.rounds):
                for _ in range(CHILDREN):
                    _kill_a_child(service, killer)
                _kill_a_worker(service, choose)
            for job in client.send("GET", "/api/v1/jobs", params={"state": "running"}).json()["items"]:
                client.cancel(job["id"])
            service.wait()
            service.settle()
        judge(outcome, service)
    return outcome


def _endless(seed: int, number: int) -> tuple[str, dict[str, object]]:
    key = f"recovery-{seed}-{number}"
    return key, body_of("fold-100", {"epochs": 10_000, "seed": number}, key)


def _kill_a_child(service: Service, killer: Killer) -> None:
    before = set(service.children())
    killer.strike("child")
    until(lambda: set(service.children()) != before, "its end")
    _all_at_work(service)


def _all_at_work(service: Service) -> None:
    """Wait until all jobs run, and have got further: one that is lost again without that has to wait."""
    until(lambda: len(service.children()) == SLOTS, "all jobs to run again", 120)
    time.sleep(FURTHER_SECONDS)


def _kill_a_worker(service: Service, choose: random.Random) -> None:
    at_work = [number for number, home in enumerate(service.homes) if service.children(home.name)]
    number = choose.choice(at_work)
    worker, home = service.workers[number], service.homes[number]
    victims = [[job, attempt] for _, job, attempt in service.children(home.name)]
    service.history.write("fault", target="worker", victims=victims)
    worker.wanted = False
    worker.kill()
    _all_at_work(service)
    worker.start()
