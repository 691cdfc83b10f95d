"""Every ring of the doorbell comes five times more, in any order; no job is begun twice."""

import random
from pathlib import Path

from chaos.client import jobs, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import running
from chaos.standing import ground

from app.broker import create_celery
from app.doorbell import RING_TASK
from app.settings import Settings

TIMES = 5


def run(options: Options, folder: Path) -> Outcome:
    """Submit jobs and ring for each of them again and again."""
    choose = random.Random(options.seed)
    with timed(Outcome("duplicates")) as outcome, ground(folder) as servers:
        with running(folder, servers.plan(), options.seed) as service:
            celery = create_celery(
                Settings(_env_file=None, data_dir=folder, broker_url=servers.redis.url), "publisher"
            )
            clients = [service.client()]
            for job in jobs(options.jobs, options.seed):
                submit_all(clients, [job], again=0)
                slots = ["training"] * TIMES + ["light"]
                choose.shuffle(slots)
                for slot in slots:
                    celery.send_task(RING_TASK, args=[slot], queue=slot)
            celery.close()
            service.wait()
            service.settle()
        judge(outcome, service)
    outcome.figures["rings"] = TIMES * options.jobs
    outcome.figures["begun_twice"] = outcome.figures["attempts"] - outcome.figures["acknowledged"]
    return outcome
