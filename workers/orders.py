"""Orders: the directory from which a child works, made from a job's rows."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.jobs import gangs
from app.settings import Settings
from app.storage import Store
from app.tables import DatasetVersion, Job, ModelVersion
from models.schema import VOCABULARY_FILE
from workers.protocol import (
    CHECKPOINTS_DIR,
    NETWORK_FILE,
    ORDER_FILE,
    OUTPUT_DIR,
    EvaluationOrder,
    GangOrder,
    Order,
    ReadingOrder,
    TrainingOrder,
)

ORDERS_DIR = "orders"
# Where an order has its own links to files that are kept elsewhere.
FILES_DIR = "files"
Place = Callable[[str], Path]
"""Tells where a job finds the file with a digest."""

_STARTING_FILES = (NETWORK_FILE, VOCABULARY_FILE)


def order_of(session: Session, job: Job, settings: Settings, store: Store, rank: int = 0) -> Order:
    """Return what the child of a job's present attempt is to do; each ``rank`` of a gang has its own."""
    version = session.get_one(DatasetVersion, job.dataset_version_id)
    place = partial(
        store.place, folder=_folder(settings.data_dir / ORDERS_DIR, job.id, job.attempt, rank) / FILES_DIR
    )
    if job.kind == "reading":
        return _reading(job, version, settings, place)
    if job.kind == "evaluation":
        return _evaluation(session, job, version, settings, place)
    order = _training(session, job, version, settings, place)
    if job.slots == 1:
        return order
    gang = GangOrder(rank=rank, addresses=tuple(gangs.addresses(session, job.id, job.attempt)))
    # The chief keeps the checkpoints.
    checkpoints = None if rank else order.checkpoints
    return order.model_copy(update={"gang": gang, "checkpoints": checkpoints})


def files_of(order: Order) -> list[Path]:
    """Return all files that an order names: they are where the store placed them."""
    match order:
        case ReadingOrder():
            return [order.file] if order.file is not None else []
        case EvaluationOrder():
            return [*order.files.values(), *order.artifact.values()]
        case TrainingOrder():
            start = order.start_from.files if order.start_from is not None else {}
            return [*order.files.values(), *start.values()]


def write_order(orders: Path, order: Order) -> Path:
    """Make the order's directory and return it; one of that name that was left behind is removed first."""
    gang = order.gang if isinstance(order, TrainingOrder) else None
    folder = _folder(orders, order.job, order.attempt, gang.rank if gang else 0)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / OUTPUT_DIR).mkdir(mode=0o700, parents=True)
    (folder / ORDER_FILE).write_text(order.model_dump_json())
    return folder


def threads_of_one_trainer(settings: Settings) -> int:
    """Return how many threads each training slot may use: the cores, shared fairly."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return settings.trainer_threads or max(1, cores // max(1, settings.training_slots))


def _folder(orders: Path, job: str, attempt: int, rank: int) -> Path:
    # Two members of a gang may be on one worker.
    return orders / (f"{job}.{attempt}.{rank}" if rank else f"{job}.{attempt}")


def _training(
    session: Session, job: Job, version: DatasetVersion, settings: Settings, place: Place
) -> TrainingOrder:
    assert job.resolved is not None, "a training job is resolved before it can be claimed"
    order: dict[str, Any] = {
        "kind": "training",
        "job": job.id,
        "attempt": job.attempt,
        "model": job.model,
        "dataset": job.resolved["dataset"],
        "dataset_schema": version.schema,
        "files": {name: str(place(file["sha256"])) for name, file in version.files.items()},
        "network": job.resolved["network"],
        "training": job.resolved["training"],
        "sent": {key: job.request[key] for key in ("network", "training") if key in job.request},
        "threads": threads_of_one_trainer(settings),
        "checkpoints": str(settings.data_dir / CHECKPOINTS_DIR / job.id),
        # Its newest checkpoint may have been written by a child that was killed before it could tell of it.
        "resume": job.attempt > 1,
    }
    if start := job.resolved.get("start_from"):
        order["start_from"] = _start(session, start, place)
    # Specs are strict: what came from JSON is read as JSON, where a list may be a tuple.
    return TrainingOrder.model_validate_json(json.dumps(order))


def _start(session: Session, start: dict[str, Any], place: Place) -> dict[str, Any]:
    version = session.get_one(ModelVersion, start["id"])
    files = {name: version.files[name] for name in _STARTING_FILES if name in version.files}
    return {
        "version": start["version"],
        "network": version.spec["network"],
        "dataset_schema": session.get_one(DatasetVersion, version.dataset_version_id).schema,
        "files": {name: str(place(file["sha256"])) for name, file in files.items()},
    }


def _evaluation(
    session: Session, job: Job, dataset: DatasetVersion, settings: Settings, place: Place
) -> EvaluationOrder:
    assert job.resolved is not None, "an evaluation is resolved before it can be claimed"
    version = session.get_one(ModelVersion, job.model_version_id)
    graphs = {role["graph"] for role in version.signature["roles"].values()}
    order: dict[str, Any] = {
        "kind": "evaluation",
        "job": job.id,
        "attempt": job.attempt,
        "version": job.resolved["version"],
        "dataset": job.resolved["dataset"],
        "dataset_schema": dataset.schema,
        "files": {name: str(place(file["sha256"])) for name, file in dataset.files.items()},
        "network": version.spec["network"],
        "training": version.spec["training"],
        "signature": version.signature,
        "artifact": {
            name: str(place(file["sha256"]))
            for name, file in version.files.items()
            if name in graphs or name == VOCABULARY_FILE
        },
        "threads": threads_of_one_trainer(settings),
    }
    return EvaluationOrder.model_validate_json(json.dumps(order))


def _reading(job: Job, version: DatasetVersion, settings: Settings, place: Place) -> ReadingOrder:
    digest = version.source.get("sha256")
    return ReadingOrder.model_validate(
        {
            "job": job.id,
            "attempt": job.attempt,
            "dataset_kind": version.dataset.kind,
            "builtin": version.source.get("builtin"),
            "file": place(digest) if digest else None,
            "filename": version.source.get("filename"),
            "options": version.options,
            "max_bytes": settings.upload_bytes,
        }
    )
