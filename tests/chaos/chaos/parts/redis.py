"""Redis is killed, emptied again and again, and full; meanwhile every submission is answered with 202."""

import time
from contextlib import suppress
from pathlib import Path

import redis
from chaos.client import ACCEPTED, jobs, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.servers import Redis, redis_server
from chaos.service import Plan, Service, running

SHARE = 3
ROOM = "2mb"
FLUSH_SECONDS = 0.3


def run(options: Options, folder: Path) -> Outcome:
    """Submit a third of the jobs under each fault."""
    count = max(SHARE, options.jobs)
    wanted = jobs(count, options.seed)
    with timed(Outcome("redis")) as outcome, redis_server(folder) as server:
        with running(folder, Plan(settings={"broker_url": server.url}), options.seed, [server]) as service:
            third = count // SHARE
            _killed(service, server, wanted[:third])
            _emptied(service, server, wanted[third : 2 * third])
            _full(service, server, wanted[2 * third :])
            service.settle()
            outcome.figures["worker_starts"] = service.workers[0].starts
        evidence = judge(outcome, service)
    answers = [entry["status"] for entry in evidence.said("answer")]
    outcome.figures["not_202"] = sum(status != ACCEPTED for status in answers)
    return outcome


def _killed(service: Service, server: Redis, wanted: list) -> None:
    half = len(wanted) // 2
    submit_all([service.client()], wanted[:half], again=0)
    service.history.write("fault", target="redis", victims=[])
    server.wanted = False
    server.kill()
    submit_all([service.client()], wanted[half:], again=0)
    service.wait()
    server.start()
    server.wait()


def _emptied(service: Service, server: Redis, wanted: list) -> None:
    for job in wanted:
        service.history.write("fault", target="redis", victims=[])
        server.ask("FLUSHALL")
        submit_all([service.client()], [job], again=0)
        server.ask("FLUSHALL")
        time.sleep(FLUSH_SECONDS)
    service.wait()


def _full(service: Service, server: Redis, wanted: list) -> None:
    service.history.write("fault", target="redis", victims=[])
    server.ask("CONFIG", "SET", "maxmemory", ROOM)
    server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    with suppress(redis.ResponseError):
        for number in range(10_000):
            server.ask("SET", f"filler-{number}", "x" * 10_000)
    submit_all([service.client()], wanted, again=0)
    service.wait()
