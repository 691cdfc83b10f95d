"""Slots look ahead for jobs, and take them later without looking whether they still wait."""

from collections import defaultdict

from chaos.planted import Replace
from chaos.stage import Stage
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.jobs import claiming
from app.jobs.events import append_state
from app.jobs.leasing import era, moment
from app.tables import Job

FOUND_BY = "I2"


def plant(replace: Replace) -> None:
    """Take what waited when one last looked."""
    ahead: dict[str, list[str]] = defaultdict(list)

    def claim(session: Session, slot: str, worker: str, *, lease: float = 30.0, **_: object) -> Job | None:
        if not ahead[worker]:
            waiting = select(Job.id).where(Job.slot == slot, Job.state == "queued")
            ahead[worker] = list(session.scalars(waiting.order_by(Job.id).limit(10)))
        if not ahead[worker]:
            return None
        job = session.get_one(Job, ahead[worker].pop(0))
        values = {"state": "running", "attempt": Job.attempt + 1, "worker": worker, "era": era(session)}
        held = moment(session) + lease
        session.execute(update(Job).where(Job.id == job.id).values(**values, lease_until=held))
        session.refresh(job)
        append_state(session, job)
        return job

    replace(claiming, "claim", claim)


def scene(stage: Stage) -> None:
    """Two workers share two jobs."""
    for key in ("one", "two"):
        stage.submit(key)
    first, second = stage.begin("a"), stage.begin("b").steps(2)
    first.finish()
    third = stage.claim("a")
    second.finish()
    if third is not None:
        third.finish()
