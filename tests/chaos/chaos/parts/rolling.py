"""Worker and web process are restarted in order, again and again, under load: nothing is lost or charged."""

import signal
import threading
import time
from pathlib import Path

from chaos.client import jobs, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import Plan, Service, running
from chaos.waiting import until

EVERY_SECONDS = 10.0
PACE_SECONDS = 0.5
CLIENTS = 2


def run(options: Options, folder: Path, every: float = EVERY_SECONDS) -> Outcome:
    """Restart ``rounds`` times."""
    with timed(Outcome("rolling")) as outcome:
        with running(folder, Plan(), options.seed) as service:
            leave = threading.Event()
            load = threading.Thread(
                target=submit_all,
                args=([service.client() for _ in range(CLIENTS)], jobs(100_000, options.seed)),
                kwargs={"seed": options.seed, "pace": PACE_SECONDS, "leave": leave},
            )
            load.start()
            try:
                for _ in range(options.rounds):
                    _restart(service, every)
            finally:
                leave.set()
                load.join()
            service.wait()
            service.settle()
        evidence = judge(outcome, service)
    outcome.figures["restarts_charged"] = sum(job.restarts for job in evidence.jobs.values())
    outcome.figures["sent_again"] = len(evidence.said("unknown")) + len(evidence.said("refused"))
    outcome.figures["worker_starts"] = service.workers[0].starts
    outcome.figures["web_starts"] = service.web.starts
    return outcome


def _restart(service: Service, every: float) -> None:
    begun = time.monotonic()
    service.history.write("drain", target="worker and web", victims=[])
    starts = [program.starts for program in (service.web, service.workers[0])]
    for program in (service.workers[0], service.web):
        program.send(signal.SIGTERM)
    until(
        lambda: (
            [program.starts for program in (service.web, service.workers[0])]
            == [count + 1 for count in starts]
        ),
        "both to be started again",
    )
    time.sleep(max(0.0, begun + every - time.monotonic()))
