"""Log lines of jobs that ended long ago; states, epochs and curves stay."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, func, select

from app.jobs.states import TERMINAL
from app.retention.garbage import Garbage, Site
from app.tables import Event, Job

BATCH = 500


def look(site: Site) -> Iterator[Garbage]:
    """Yield the log lines of each job that are older than the setting says."""
    reason = f"ended, and its log is older than {site.settings.log_days} days"
    for jobs in _ended(site):
        query = select(Event.job_id, func.count(), func.sum(func.length(cast(Event.data, Text))))
        query = query.where(Event.job_id.in_(jobs), _is_old(site)).group_by(Event.job_id)
        with site.database.read() as session:
            found = session.execute(query.order_by(Event.job_id)).all()
        for job_id, lines, size in found:
            yield Garbage("log", f"{job_id}, {lines} lines", reason, size, partial(_remove, site, job_id))


def _ended(site: Site) -> Iterator[Sequence[str]]:
    """Yield the jobs that ended before all lines that are kept, some at a time."""
    last = ""
    while True:
        query = select(Job.id).where(_has_ended(site), Job.id > last).order_by(Job.id).limit(BATCH)
        with site.database.read() as session:
            jobs = session.scalars(query).all()
        if not jobs:
            return
        yield jobs
        last = jobs[-1]


def _remove(site: Site, job_id: str) -> bool:
    with site.database.write() as session:
        # A job that was retried meanwhile keeps its log.
        job = session.scalar(select(Job).where(Job.id == job_id, _has_ended(site)).with_for_update(of=Job))
        if job is not None:
            session.execute(delete(Event).where(Event.job_id == job_id, _is_old(site)))
    return job is not None


def _has_ended(site: Site) -> ColumnElement[bool]:
    return and_(Job.state.in_(TERMINAL), Job.finished_at <= _horizon(site))


def _is_old(site: Site) -> ColumnElement[bool]:
    return and_(Event.type == "log", Event.at <= _horizon(site))


def _horizon(site: Site) -> Any:
    return site.moment - timedelta(days=site.settings.log_days)
