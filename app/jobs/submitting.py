"""Submitting a training job: checked as far as its dataset is known, queued, and answered once per key."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.datasets.references import named_version
from app.jobs import idempotency, resolving
from app.jobs.events import enter_phase
from app.jobs.queueing import queue
from app.jobs.schemas import JobCreate
from app.jobs.service import described
from app.jobs.starting import start_of
from app.tables import Job
from models.presets import SpecError


@dataclass(frozen=True)
class Answer:
    """What a submission is answered, now or again."""

    status: int
    location: str
    body: dict[str, Any]
    is_replayed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What it is answered with beside the body."""
        return {"Location": self.location} | ({"Idempotent-Replayed": "true"} if self.is_replayed else {})


def submit_once(
    session: Session,
    owner: str,
    body: JobCreate,
    key: str | None,
    *,
    max_parameters: int,
    cloned_from: str | None = None,
) -> Answer:
    """Submit a job; with a key that was used before, return the answer of that time instead."""
    queued = partial(submit, session, owner, body, max_parameters=max_parameters, cloned_from=cloned_from)
    return once(session, owner, body, key, address="POST /api/v1/jobs", submit=queued)


def once(
    session: Session,
    owner: str,
    body: BaseModel,
    key: str | None,
    *,
    address: str,
    submit: Callable[[], Job],
) -> Answer:
    """Submit, unless ``body`` was sent to ``address`` with this key before: then the answer is that one's."""
    if key is None:
        return _answer(session, submit())
    key = idempotency.parse_key(key)
    earlier = idempotency.begin(session, owner, key, idempotency.fingerprint(address, body))
    if earlier is not None:
        return Answer(earlier.status, earlier.location or "", earlier.body, is_replayed=True)
    answer = _answer(session, submit())
    idempotency.finish(session, owner, key, status=answer.status, location=answer.location, body=answer.body)
    return answer


def submit(
    session: Session, owner: str, body: JobCreate, *, max_parameters: int, cloned_from: str | None = None
) -> Job:
    """Queue a training job; raises Invalid with a pointer to every field that is wrong.

    Where the dataset is still being read, the job waits for it, and is resolved when it is ready.
    """
    # Locked: were its reading to end just now, the job would neither be resolved nor wait.
    version = named_version(session, owner, body.dataset, lock=True)
    network, training = body.network, body.training
    start = start_of(session, owner, body.start_from)
    try:
        if version.state == "ready":
            whole = resolving.resolved(version, network, training, max_parameters, start)
        else:
            resolving.check_without_rows(version.dataset.kind, network, training)
            whole = None
    except SpecError as error:
        raise resolving.refusal(error) from None
    devices, slots = resolving.places_of(whole)
    job = queue(
        session,
        "training",
        owner,
        model=body.model,
        dataset_version_id=version.id,
        request=body.model_dump(mode="json", exclude_unset=True),
        resolved=whole,
        devices=devices,
        slots=slots,
        promote=body.promote,
        priority=body.priority,
        tags=body.tags,
        notes=body.notes,
        cloned_from=cloned_from,
    )
    if whole is None:
        enter_phase(session, job, "waiting_for_dataset")
    return job


def _answer(session: Session, job: Job) -> Answer:
    body = described(session, [job])[0].model_dump(mode="json")
    return Answer(202, f"/api/v1/jobs/{job.id}", body)
