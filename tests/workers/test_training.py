"""The whole way of a job with nothing scripted: Celery, fork server, Keras, the registry."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from app.database import Database
from app.jobs.starting import start_of
from app.jobs.verbs import pause, resume
from app.settings import Settings
from app.storage import Store
from app.tables import Alias, DatasetVersion, ModelVersion
from models.onnx_runtime import onnxruntime
from workers.command import worker_command


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", database_url=sqlite_url)


def test_digits_are_read_trained_published_and_promoted(
    bench: Any, start_worker: Any, database: Database
) -> None:
    worker = start_worker(bench.settings, worker_command())
    version = bench.rows.version("reading", schema=None, options={})
    reading = bench.rows.reading(version=version)
    request = {"network": {"preset": "cnn-small"}, "training": {"epochs": 3, "seed": 7}}
    jobs = [
        bench.rows.training("digits", version=version, resolved=None, request=request, promote=promote)
        for promote in ("always", "if_better")
    ]
    assert bench.ended(reading).state == "succeeded"
    assert bench.rows.get(DatasetVersion, version).schema["rows"] == 1797
    for job_id in jobs:
        job = bench.ended(job_id)
        assert (job.state, job.error) == ("succeeded", None)
        assert [event.data["epoch"] for event in bench.rows.events(job_id, "epoch")] == [1, 2, 3]
        assert [phase["phase"] for phase in job.phases][:3] == ["starting", "preparing", "building"]

    first, second = (bench.rows.get(ModelVersion, bench.rows.job(job_id).model_version_id) for job_id in jobs)
    assert first.metrics["accuracy"] > 0.8
    # The same order gives the same network, so the second is no better.
    assert second.metrics == first.metrics
    with database.read() as session:
        assert [alias.version.number for alias in session.scalars(select(Alias))] == [1]

    store = Store(bench.settings.data_dir)
    golden = np.load(io.BytesIO(store.path(first.files["golden.npz"]["sha256"]).read_bytes()))
    graph = onnxruntime.InferenceSession(store.path(first.files["predict.onnx"]["sha256"]).read_bytes())
    [answer] = graph.run(["probabilities"], {"image": golden["predict/image"]})
    np.testing.assert_allclose(answer, golden["predict/probabilities"], atol=1e-4)

    # A third one starts from the champion, and need not learn what is frozen.
    with database.read() as session:
        whole = bench.rows.job(jobs[0]).resolved
        start = start_of(session, "local", "digits@champion")
    training = whole["training"] | {"epochs": 1, "freeze": ["conv_"]}
    resolved = whole | {"training": training, "start_from": start.resolved()}
    third = bench.rows.training("digits", version=version, resolved=resolved, request=request)
    assert (bench.ended(third).state, bench.rows.job(third).error) == ("succeeded", None)
    child = bench.rows.get(ModelVersion, bench.rows.job(third).model_version_id)
    assert child.spec["start_from"]["version"] == "digits@1"
    assert child.metrics["accuracy"] > 0.8
    report = json.loads(store.path(child.files["report.json"]["sha256"]).read_bytes())
    assert report["start_from"]["fresh"] == []

    loaded = Path(f"/proc/{worker.process.pid}/maps").read_text()
    assert "sqlite" in loaded
    assert "tensorflow" not in loaded
    assert worker.stop() == 0


@pytest.mark.long
def test_a_training_that_is_paused_ends_where_another_does(
    bench: Any, start_worker: Any, database: Database
) -> None:
    worker = start_worker(bench.settings, worker_command())
    version = bench.rows.version("reading", schema=None, options={})
    reading = bench.rows.reading(version=version)
    request = {"network": {"preset": "cnn-small"}, "training": {"epochs": 20, "seed": 7}}
    unbroken, paused = (
        bench.rows.training("digits", version=version, resolved=None, request=request) for _ in range(2)
    )
    assert bench.ended(reading).state == "succeeded"
    assert bench.ended(unbroken).state == "succeeded"
    bench.until(lambda: bench.rows.events(paused, "epoch"), "its first epoch")
    with database.write() as session:
        pause(session, "local", paused)
    bench.until(lambda: bench.rows.job(paused).state == "paused", "it to be paused")
    assert any((bench.settings.data_dir / "checkpoints" / paused).glob("*.npz"))
    with database.write() as session:
        resume(session, "local", paused, max_parameters=10**8)
    job = bench.ended(paused)
    assert (job.state, job.attempt, job.restarts) == ("succeeded", 2, 0)
    assert 1 <= job.checkpoint["epoch"] <= 20
    assert [event.data["epoch"] for event in bench.rows.events(paused, "epoch")] == list(range(1, 21))
    one, other = (
        bench.rows.get(ModelVersion, bench.rows.job(each).model_version_id) for each in (unbroken, paused)
    )
    assert one.metrics == other.metrics
    for name in ("golden.npz", "report.json"):
        assert one.files[name]["sha256"] == other.files[name]["sha256"]
    assert worker.stop() == 0
