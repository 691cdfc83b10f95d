"""Workers are stopped for longer than a lease, and wake up while another has their jobs."""

import random
import signal
from pathlib import Path

from chaos.client import body_of, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import Service, running
from chaos.standing import ground
from chaos.waiting import TookTooLong, until

TIMES = {"lease_seconds": 6, "heartbeat_seconds": 1, "reconcile_seconds": 1}
JOBS_OF_A_ROUND = 3


def run(options: Options, folder: Path) -> Outcome:
    """Stop one of two workers in each round."""
    choose = random.Random(options.seed)
    with timed(Outcome("stopped")) as outcome, ground(folder) as servers:
        with running(folder, servers.plan(slots=3, **TIMES), options.seed) as service:
            for number in range(options.rounds):
                wanted = [_job(options.seed, number, place) for place in range(JOBS_OF_A_ROUND)]
                submit_all([service.client()], wanted)
                _round(service, choose)
                service.wait()
            service.settle()
        judge(outcome, service)
    return outcome


def _job(seed: int, number: int, place: int) -> tuple[str, dict[str, object]]:
    key = f"stopped-{seed}-{number}-{place}"
    return key, body_of("fold-300", {"epochs": 8, "seed": 1000 * number + place}, key)


def _round(service: Service, choose: random.Random) -> None:
    """Stop a worker that is at work until its jobs have been taken over."""
    children = until(service.children, "a child")
    asleep = choose.choice([home for home in service.homes if service.children(home.name)] or service.homes)
    worker = service.workers[service.homes.index(asleep)]
    victims = [[job, attempt] for _, job, attempt in service.children(asleep.name)]
    service.history.write("fault", target="stopped", victims=victims)
    worker.send(signal.SIGSTOP)
    lost = {(job, attempt) for job, attempt in victims}
    try:
        until(lambda: lost <= _passed(service, asleep.name), "the takeover", 30)
    except TookTooLong:
        # They had finished before; then nothing was taken over.
        assert children
    finally:
        worker.send(signal.SIGCONT)


def _passed(service: Service, asleep: str) -> set[tuple[str, int]]:
    """Return the attempts that somebody else has begun again."""
    others = [home.name for home in service.homes if home.name != asleep]
    return {
        (job, attempt - 1) for other in others for _, job, attempt in service.children(other) if attempt > 1
    }
