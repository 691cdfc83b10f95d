"""Publishing: a finished training becomes a version, live or not, and its job succeeds — all or nothing."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.identifiers import new_id
from app.jobs.events import append
from app.jobs.moving import move
from app.registry.promotion import promote
from app.tables import Job, ModelVersion, RegisteredModel
from app.tables.base import now

Files = Mapping[str, Mapping[str, Any]]


def publish(session: Session, job: Job, result: Mapping[str, Any], files: Files) -> ModelVersion:
    """Write the version of a running training job, move ``champion`` as the job asks, end the job.

    ``job`` comes from :func:`app.jobs.fence.held` in this transaction and is ``running``
    or ``pausing``. ``result`` is the
    trainer's, ``files`` maps paths in the artifact to ``{sha256, bytes, media_type}``: they are in the store.
    """
    model = _model(session, job)
    resolved = job.resolved or {}
    version = ModelVersion(
        id=new_id("version"),
        owner=job.owner,
        model_id=model.id,
        number=_next_number(session, model),
        job_id=job.id,
        dataset_version_id=job.dataset_version_id,
        family=resolved["network"]["family"],
        parameters=result["parameters"],
        spec={name: resolved[name] for name in ("network", "training", "start_from") if name in resolved},
        signature=result["signature"],
        metrics=result["metrics"],
        parity=result["parity"],
        files={path: dict(file) for path, file in files.items()},
    )
    session.add(version)
    session.flush()
    move(
        session,
        job,
        job.state,
        "succeeded",
        model_version_id=version.id,
        best=_best(job, result["best"]),
        stop_reason=result["stop_reason"],
        result={"metrics": result["metrics"], "parity": result["parity"]},
        finished_at=now(),
    )
    decision = promote(session, job, version)
    append(session, job, "log", {"level": decision.level, "message": decision.message})
    return version


def _best(job: Job, chosen: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the epoch that the trainer chose, with the figures that were recorded of it."""
    recorded = job.best or {}
    return {**recorded, **chosen} if chosen and chosen["epoch"] == recorded.get("epoch") else chosen


def _model(session: Session, job: Job) -> RegisteredModel:
    """Return the job's model, locked, so that its versions are numbered one after another."""
    query = select(RegisteredModel).where(
        RegisteredModel.owner.is_not_distinct_from(job.owner),
        RegisteredModel.name == job.model,
        RegisteredModel.deleted_at.is_(None),
    )
    query = query.with_for_update(of=RegisteredModel)
    model = session.scalar(query)
    if model is not None:
        return model
    assert job.model is not None, "a training job names its model"
    try:
        with session.begin_nested():
            model = RegisteredModel(id=new_id("model"), owner=job.owner, name=job.model)
            session.add(model)
    except IntegrityError:
        # Another job of the same new model was a moment faster.
        return session.scalars(query).one()
    return model


def _next_number(session: Session, model: RegisteredModel) -> int:
    newest = session.scalar(select(func.max(ModelVersion.number)).where(ModelVersion.model_id == model.id))
    return (newest or 0) + 1
