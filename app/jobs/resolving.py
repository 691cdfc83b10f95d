"""Resolving: what a training job will do in full, once its dataset is known."""

import sys
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.errors import FieldError, Invalid
from app.jobs.moving import move
from app.tables import DatasetVersion, Job
from app.tables.base import now
from models.presets import SpecError, read, resolve
from models.reading.limits import MAX_SIDE
from models.schema import DatasetSchema, InputSchema, input_of
from models.specs.problems import SpecProblem
from models.specs.training import TrainingSpec

# Every layer that fits some dataset fits this one; how many parameters it has there says nothing.
LARGEST_IMAGES = InputSchema(shape=(MAX_SIDE, MAX_SIDE, 3), classes=2)


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
        "rows": _rows(schema, version.profile or {}, whole.training),
    }


def check_without_rows(kind: str, network: Mapping[str, Any], training: Mapping[str, Any] | None) -> None:
    """Raise SpecError for specs that are wrong whatever the rows of this kind, which are still being read."""
    if kind == "images":
        resolve(network, training, LARGEST_IMAGES, max_parameters=sys.maxsize)
    else:
        read(network, training)


def _rows(schema: DatasetSchema, profile: Mapping[str, Any], training: TrainingSpec) -> dict[str, int]:
    """Return how many rows train, validate and test: the trainer cuts a fraction of each class.

    Raises SpecError where none is left to train.
    """
    sizes = [schema.rows - schema.test_rows]
    if schema.labels and "classes" in profile:
        test = profile.get("test_classes", {})
        used = training.normal_labels or schema.labels
        sizes = [count - test.get(label, 0) for label, count in profile["classes"].items() if label in used]
    validation = sum(round(size * training.validation) for size in sizes)
    train = sum(sizes) - validation
    if not train:
        place = "validation" if training.normal_labels is None else "normal_labels"
        message = "No row is left to train with: all that there are test or validate."
        raise SpecError([SpecProblem(f"/training/{place}", "no_rows", message)])
    return {"train": train, "validation": validation, "test": schema.test_rows}


def refusal(error: SpecError) -> Invalid:
    """Return what the caller is told of a wrong spec: each field and what is wrong with it."""
    problems = [FieldError(problem.pointer, problem.code, problem.message) for problem in error.errors]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return Invalid(f"{problems[0].pointer}: {problems[0].message}{more}", errors=problems)


def resolve_waiting(session: Session, version: DatasetVersion, *, max_parameters: int) -> None:
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
