"""PostgreSQL is stopped at once, again and again, under load: the worst answer is 503, nothing is lost."""

import random
import threading
import time
from pathlib import Path

from chaos.client import Client, jobs, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.servers import Postgres, postgres_server
from chaos.service import Plan, running

CLIENTS = 4
PACE_SECONDS = 0.5
LONGEST_AWAY_SECONDS = 4.0


def run(options: Options, folder: Path) -> Outcome:
    """Stop it ``rounds`` times while jobs are submitted and read."""
    with timed(Outcome("postgres")) as outcome, postgres_server(folder / "postgres.log") as server:
        with running(folder, Plan(database_url=server.url), options.seed, [server]) as service:
            leave = threading.Event()
            wanted = jobs(100_000, options.seed)
            load = [
                threading.Thread(
                    target=submit_all,
                    args=([service.client() for _ in range(CLIENTS)], wanted),
                    kwargs={"seed": options.seed, "pace": PACE_SECONDS, "leave": leave},
                ),
                threading.Thread(target=_read, args=(service.client(), leave)),
            ]
            for thread in load:
                thread.start()
            try:
                _stop(server, service.history.write, options)
            finally:
                leave.set()
                for thread in load:
                    thread.join()
            service.wait()
            service.settle()
        judge(outcome, service)
    return outcome


def _stop(server: Postgres, note: object, options: Options) -> None:
    choose = random.Random(options.seed)
    for _ in range(options.rounds):
        time.sleep(choose.uniform(0.5, 2))
        note("fault", target="postgres", victims=[])
        server.stop(Postgres.AT_ONCE)
        time.sleep(choose.uniform(0.2, LONGEST_AWAY_SECONDS))
        server.start()
        server.wait()


def _read(client: Client, leave: threading.Event) -> None:
    while not leave.wait(PACE_SECONDS):
        client.unfinished()
