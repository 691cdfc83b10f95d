"""Resolving: what a training job will do in full, once its dataset is known."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.errors import FieldError, Invalid
from app.jobs.moving import move
from app.tables import DatasetVersion, Job
from app.tables.base import now
from models.presets import SpecError, resolve
from models.schema import DatasetSchema, input_of

MAX_PARAMETERS = 150_000_000


def resolved(
    version: DatasetVersion,
    network: Mapping[str, Any],
    training: Mapping[str, Any] | None,
    max_parameters: int,
) -> dict[str, Any]:
    """Return both specs with every default filled in for a dataset version that is ready.

    Raises:
        models.presets.SpecError: the specs are wrong, or do not fit the dataset.
    """
    schema = DatasetSchema.model_validate(version.schema)
    whole = resolve(network, training, input_of(schema), max_parameters=max_parameters)
    return {
        "preset": whole.preset,
        "network": whole.network.model_dump(mode="json"),
        "training": whole.training.model_dump(mode="json"),
        "dataset": f"{version.dataset.name}@{version.number}",
    }


def refusal(error: SpecError) -> Invalid:
    """Return what the caller is told of a wrong spec: each field and what is wrong with it."""
    problems = [FieldError(problem.pointer, problem.code, problem.message) for problem in error.errors]
    return Invalid(
        problems[0].message if len(problems) == 1 else f"{len(problems)} fields are not valid.",
        errors=problems,
    )


def resolve_waiting(session: Session, version: DatasetVersion, max_parameters: int = MAX_PARAMETERS) -> None:
    """Resolve the jobs that waited for ``version``, which is ready now; fail those that do not fit it."""
    waiting = select(Job).where(
        Job.kind == "training",
        Job.state == "queued",
        Job.dataset_version_id == version.id,
        Job.resolved.is_(None),
    )
    for job in session.scalars(waiting.order_by(Job.id).with_for_update()).all():
        try:
            job.resolved = resolved(
                version, job.request["network"], job.request.get("training"), max_parameters
            )
        except SpecError as error:
            move(session, job, "queued", "failed", error=_failure(error), finished_at=now())
        else:
            job.phase = None
            ring_after_commit(session, job.slot)


def _failure(error: SpecError) -> dict[str, Any]:
    first = error.errors[0]
    return {
        "code": "bad_data",
        "message": f"The specs do not fit the dataset. {first.pointer}: {first.message}",
        "hint": "POST /api/v1/specs/validate checks specs against a dataset that is ready.",
        "retryable": False,
    }
