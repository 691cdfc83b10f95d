"""What a client was promised: I1, nothing acknowledged is lost; I7, one key makes one job."""

from collections import defaultdict
from collections.abc import Iterator

from chaos.evidence import Evidence

from app.jobs.states import TERMINAL


def every_job_is_over(evidence: Evidence) -> Iterator[str]:
    """No job of any kind is left undone."""
    for job in evidence.jobs.values():
        if job.state not in TERMINAL:
            yield f"{job.id} is still {job.state}, attempt {job.attempt}"


def nothing_acknowledged_is_lost(evidence: Evidence) -> Iterator[str]:
    """Whatever was acknowledged succeeded, but for what was cancelled or ends its workers."""
    cancelled = _cancelled(evidence)
    for key, promised in evidence.acknowledged.items():
        for job_id in promised:
            job = evidence.jobs.get(job_id)
            if job is None:
                yield f"{job_id} was acknowledged to {key} and is not there"
            elif evidence.is_poison(job):
                code = (job.error or {}).get("code")
                if (job.state, code) != ("failed", "worker_lost"):
                    yield f"{job_id} ends its workers and is {job.state}, {code}"
            elif job.state != "succeeded" and job_id not in cancelled:
                yield f"{job_id} is {job.state}: {job.error}"


def cancels_hold(evidence: Evidence) -> Iterator[str]:
    """A job whose cancel was accepted is cancelled, and published nothing."""
    published = evidence.published()
    for job_id in _cancelled(evidence):
        job = evidence.jobs.get(job_id)
        if job is not None and (job.state != "cancelled" or published[job_id]):
            yield f"{job_id} was cancelled and is {job.state}"


def one_key_makes_one_job(evidence: Evidence) -> Iterator[str]:
    """However often a request was sent: one job, one answer."""
    digests = defaultdict(set)
    for entry in evidence.said("answer"):
        if entry["status"] == 202:
            digests[entry["key"]].add(entry["digest"])
    made = defaultdict(set)
    for job in evidence.trainings:
        made[job.tags.get("key")].add(job.id)
    for key, promised in evidence.acknowledged.items():
        if made[key] | promised != promised or len(promised) != 1:
            yield f"{key} made {len(made[key])} jobs, and was promised {len(promised)}"
        if len(digests[key]) > 1:
            yield f"{key} was answered differently {len(digests[key])} times"


def _cancelled(evidence: Evidence) -> set[str]:
    return {entry["job"] for entry in evidence.said("cancel") if entry["status"] == 202}
