"""Resolving: what a training job will do in full, once its dataset is known."""

import sys
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.errors import FieldError, Invalid
from app.evaluations import resolving as evaluating
from app.jobs.moving import move
from app.jobs.starting import Start, start_of
from app.tables import DatasetVersion, Job, ModelVersion
from app.tables.base import now
from models.kinship import unrelated
from models.presets import SpecError, read, resolve
from models.reading.limits import MAX_SIDE
from models.schema import DatasetSchema, InputSchema, input_of
from models.specs.layers.spec import LayersSpec
from models.specs.problems import SpecProblem
from models.specs.training import TrainingSpec
from models.stack_outline import wiring

# Every layer that fits some dataset fits this one; how many parameters it has there says nothing.
LARGEST_IMAGES = InputSchema(shape=(MAX_SIDE, MAX_SIDE, 3), classes=2)


def resolved(
    version: DatasetVersion,
    network: Mapping[str, Any],
    training: Mapping[str, Any] | None,
    max_parameters: int,
    start: Start | None = None,
) -> dict[str, Any]:
    """Return both specs with every default filled in for a dataset version that is ready.

    ``start`` is the version whose weights the network starts with.

    Raises:
        models.presets.SpecError: the specs are wrong, or do not fit the dataset.
    """
    schema = DatasetSchema.model_validate(version.schema)
    source = input_of(schema)
    whole = resolve(network, training, source, max_parameters=max_parameters)
    problems = list(unrelated(whole.network, source, start.parent)) if start else []
    checked = whole.training.cross_validation
    if checked and checked.ensemble and not schema.test_rows:
        message = "Each row has taught a member of the ensemble; without test rows none is left to judge it."
        problems.append(SpecProblem("/training/cross_validation/ensemble", "needs_test_rows", message))
    rows = _rows(schema, version.profile or {}, whole.training)
    if checked and checked.folds > rows["train"] + rows["validation"]:
        most = rows["train"] + rows["validation"]
        message = f"Expected {most} folds at most, one for each row to train with; received {checked.folds}."
        problems.append(SpecProblem("/training/cross_validation/folds", "too_few_rows", message))
    if problems:
        raise SpecError(problems)
    return {
        "preset": whole.preset,
        "network": whole.network.model_dump(mode="json"),
        "training": whole.training.model_dump(mode="json"),
        "dataset": f"{version.dataset.name}@{version.number}",
        "rows": rows,
        **({"start_from": start.resolved()} if start else {}),
    }


def places_of(resolved: Mapping[str, Any] | None) -> tuple[int, int]:
    """Return how many devices of one machine a job needs, and how many slots; 1 while it is not resolved."""
    training = (resolved or {}).get("training", {})
    return training.get("devices", 1), training.get("slots", 1)


def check_without_rows(kind: str, network: Mapping[str, Any], training: Mapping[str, Any] | None) -> None:
    """Raise SpecError for specs that are wrong whatever the rows of this kind, which are still being read."""
    spec = read(network, training).network
    if isinstance(spec, LayersSpec):
        # A stack may be made for rows of one shape; how its layers hang together does not depend on rows.
        wiring(spec)
    elif kind == "images":
        resolve(network, training, LARGEST_IMAGES, max_parameters=sys.maxsize)


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
        Job.kind != "reading",
        Job.state == "queued",
        Job.dataset_version_id == version.id,
        Job.resolved.is_(None),
    )
    for job in session.scalars(waiting.order_by(Job.id).with_for_update()).all():
        try:
            job.resolved = _resolved(session, job, version, max_parameters)
            job.devices, job.slots = places_of(job.resolved)
        except SpecError as error:
            move(session, job, "queued", "failed", error=_failure(error), finished_at=now())
        except Invalid as error:
            move(session, job, "queued", "failed", error=_gone(error), finished_at=now())
        else:
            job.phase = None
            ring_after_commit(session, job.slot)


def _resolved(session: Session, job: Job, version: DatasetVersion, max_parameters: int) -> dict[str, Any]:
    if job.kind == "evaluation":
        return evaluating.resolved(session.get_one(ModelVersion, job.model_version_id), version)
    start = start_of(session, job.owner or "", job.request.get("start_from"))
    network, training = job.request["network"], job.request.get("training")
    return resolved(version, network, training, max_parameters, start)


def _gone(error: Invalid) -> dict[str, Any]:
    return {"code": "bad_data", "message": error.detail, "hint": None, "retryable": False}


def _failure(error: SpecError) -> dict[str, Any]:
    first = error.errors[0]
    return {
        "code": "bad_data",
        "message": f"The job does not fit the dataset. {first.pointer}: {first.message}",
        "hint": "POST /api/v1/specs/validate checks specs against a dataset that is ready.",
        "retryable": False,
    }
