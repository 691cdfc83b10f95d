"""Kills of everything: short jobs on two hosts, over PostgreSQL and Redis; or on one host over SQLite."""

import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from chaos.client import jobs, submit_all
from chaos.faults import Killer, drawn
from chaos.outcome import Options, Outcome, judge, timed
from chaos.programs import Program
from chaos.service import Plan, Service, running
from chaos.standing import ground
from chaos.waiting import until

SHARES = {"child": 0.4, "worker": 0.25, "web": 0.15, "redis": 0.1, "postgres": 0.1}
SHARES_OF_ONE_HOST = {"child": 0.5, "worker": 0.3, "web": 0.2}
CLIENTS = 4
# Jobs that may wait: enough for no slot to be idle.
AHEAD = 30


def on_two_hosts(options: Options, folder: Path) -> Outcome:
    """Kill worker, child, web process, Redis and PostgreSQL."""
    with timed(Outcome("kills")) as outcome, ground(folder) as servers:
        plan = servers.plan()
        plan.plant = options.plant
        with running(folder, plan, options.seed, servers) as service:
            storm(service, options, drawn(options.kills, options.seed, SHARES), servers)
            servers.postgres.wait()
        judge(outcome, service)
    return outcome


def on_one_host(options: Options, folder: Path) -> Outcome:
    """Kill worker, child and web process."""
    with timed(Outcome("kills-sqlite")) as outcome:
        with running(folder, Plan(plant=options.plant), options.seed) as service:
            storm(service, options, drawn(options.kills, options.seed, SHARES_OF_ONE_HOST))
        judge(outcome, service)
    return outcome


def storm(
    service: Service, options: Options, targets: Sequence[str], servers: Sequence[Program] = ()
) -> None:
    """Submit jobs and kill meanwhile; each goes on with the other, so that jobs are hit to the end."""
    killer = Killer(service, options.seed, servers)
    wanted = jobs(options.jobs, options.seed)
    share = options.jobs / max(1, len(targets))
    leave = threading.Event()

    def in_step() -> object:
        for number, job in enumerate(wanted):
            while number > (killer.done + 1) * share + AHEAD and not leave.is_set():
                time.sleep(0.05)
            yield job

    submitting = threading.Thread(
        target=submit_all,
        args=([service.client() for _ in range(CLIENTS)], in_step()),
        kwargs={"seed": options.seed, "leave": leave},
    )
    submitting.start()
    choose, ends = random.Random(options.seed), time.monotonic() + options.seconds
    try:
        for target in targets:
            if time.monotonic() > ends:
                break
            until(lambda: service.over() >= killer.done * share - AHEAD, "jobs to go on")
            time.sleep(choose.uniform(0, 0.3))
            until(lambda: killer.strike(target), f"a {target} to kill")  # noqa: B023
    finally:
        if killer.done < len(targets):
            leave.set()
        submitting.join()
    service.wait()
    service.settle()
