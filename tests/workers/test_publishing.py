"""A process that ends in the midst of publishing, and a cancel that comes there."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.database import Database
from app.jobs.claiming import claim
from app.settings import Settings
from app.storage import Store, file_digest
from app.tables import Alias, ModelVersion
from workers.conclusion import Conclusion
from workers.journal import Journal
from workers.protocol import TrainingOrder
from workers.reconciler import left_by, settle
from workers.supervisor import Ending
from workers.workshop import Workshop

PUBLISHER = Path(__file__).parent / "programs" / "dying_publisher.py"
TENSORS = [
    {"name": "image", "dtype": "float32", "shape": [8, 8, 1]},
    {"name": "probabilities", "dtype": "float32", "shape": [2]},
]
ROLE = {"graph": "predict.onnx", "inputs": TENSORS[:1], "outputs": TENSORS[1:]}
RESULT = {
    "files": {"network.keras": "application/zip", "predict.onnx": "application/octet-stream"},
    "metrics": {"accuracy": 0.9},
    "parameters": 42,
    "signature": {"roles": {"predict": ROLE}, "labels": ["a", "b"]},
    "best": None,
    "stop_reason": "completed",
    "parity": {"passed": True},
}


@pytest.fixture
def store(settings: Settings) -> Store:
    store = Store(settings.data_dir)
    store.prepare()
    return store


@pytest.fixture
def output(settings: Settings) -> Path:
    """What a trainer leaves."""
    output = settings.data_dir / "orders" / "job.1" / "output"
    output.mkdir(parents=True)
    for name in RESULT["files"]:
        (output / name).write_text(name)
    return output


@pytest.fixture
def training(rows: Any, database: Database) -> str:
    """A training job that runs."""
    job_id: str = rows.training()
    with database.write() as session:
        claim(session, "training", "me")
    return job_id


def versions(database: Database) -> list[ModelVersion]:
    with database.read() as session:
        return list(session.scalars(select(ModelVersion)))


@pytest.mark.parametrize(
    ("step", "is_published"),
    [("first file", False), ("last file", False), ("transaction", False), ("commit", False), ("end", True)],
)
def test_a_process_that_ends_while_it_publishes_leaves_a_whole_version_or_none(
    rows: Any,
    settings: Settings,
    database: Database,
    store: Store,
    output: Path,
    training: str,
    step: str,
    is_published: bool,
) -> None:
    environment = os.environ | {
        "KERAFORGE_DATA_DIR": str(settings.data_dir),
        "KERAFORGE_DATABASE_URL": settings.resolved_database_url,
    }
    command = [sys.executable, "-P", PUBLISHER, step, training, output, json.dumps(RESULT)]
    assert subprocess.run(command, env=environment, cwd="/", check=False).returncode == -signal.SIGKILL
    settle(database, left_by("me"), 0)
    job = rows.job(training)
    if not is_published:
        assert (job.state, job.error["code"], versions(database)) == ("failed", "worker_lost", [])
        with database.read() as session:
            assert session.scalars(select(Alias)).all() == []
    else:
        [version] = versions(database)
        assert (job.state, job.model_version_id) == ("succeeded", version.id)
        assert version.files.keys() == RESULT["files"].keys()
        for file in version.files.values():
            assert file_digest(store.path(file["sha256"])) == file["sha256"]
    for path in store.objects.glob("*/*"):
        assert file_digest(path) == path.name


def test_a_job_that_is_cancelled_while_it_publishes_leaves_no_version(
    rows: Any, bench: Any, settings: Settings, database: Database, store: Store, output: Path, training: str
) -> None:
    bench.move(training, "cancelling")
    workshop = Workshop(settings, database, store, draining=lambda: False)
    order = TrainingOrder.model_construct(kind="training", job=training, attempt=1)
    conclusion = Conclusion(workshop, order, Journal(database, training, 1))
    conclusion.write(Ending(result=RESULT), output, None)
    assert (rows.job(training).state, versions(database)) == ("cancelled", [])
