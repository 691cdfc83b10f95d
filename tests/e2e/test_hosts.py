"""Three hosts that share a database and a bucket, but no folder: one answers, two train, one of them dies."""

import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from s3_server import SECRET

import keraforge

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

Wait = Callable[[Callable[[], bool], str], None]
TIMES = {"LEASE_SECONDS": "4", "HEARTBEAT_SECONDS": "1", "RECONCILE_SECONDS": "1"}


@pytest.fixture
def hosts(run: Any, tmp_path: Path, postgres_url: str, s3_address: str) -> Callable[[str, str], Any]:
    """Start a part of the service on a host of a name."""
    shared = {"DATABASE_URL": postgres_url, "FILES_URL": f"{s3_address}/files", **TIMES}
    environment = {f"KERAFORGE_{name}": value for name, value in shared.items()}

    def start(part: str, name: str, *arguments: str) -> Any:
        return run(part, *arguments, folder=tmp_path / name, **environment)

    return start


def test_a_training_outlives_its_host_and_all_that_it_kept(
    hosts: Any, tmp_path: Path, wait_until: Wait
) -> None:
    assert hosts("migrate", "web").ended() == 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    web = hosts("web", "web", "--port", str(port))
    workers = {name: hosts("worker", name) for name in ("one", "other")}
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: _is_ready(url), f"the web process:\n{web.output}")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20_000, 32)).astype(np.float32), rng.integers(0, 2, size=20_000)
    np.savez(tmp_path / "rows.npz", x=x, y=y)

    with keraforge.Client(url, (web.folder / "api-key").read_text().strip()) as client:
        client.datasets.create("rows", kind="vectors")
        client.datasets.upload("rows", tmp_path / "rows.npz")
        assert client.datasets.wait("rows", timeout=300).state == "ready"

        network = {"family": "mlp", "dense": [256]}
        training = {"epochs": 10_000, "early_stopping": None}
        job = client.train(model="wanderer", dataset="rows", network=network, training=training).id

        def has_checkpoint_of(attempt: int) -> Callable[[], bool]:
            def holds() -> bool:
                found = client.jobs.get(job)
                assert found.state in {"queued", "running"}, found.raw
                return (found.checkpoint or {}).get("attempt") == attempt

            return holds

        wait_until(has_checkpoint_of(1), "a checkpoint")
        step = client.jobs.get(job).checkpoint["step"]
        (dead,) = (worker for worker in client.workers.list() if job in worker.jobs)
        (name,) = (each for each in workers if (tmp_path / each / "worker.lock").read_text() == dead.id)
        workers[name].kill()
        # Its disk is gone with it.
        shutil.rmtree(tmp_path / name)
        wait_until(has_checkpoint_of(2), "a checkpoint of another host")
        (line,) = (line for line in client.jobs.logs(job) if line["message"].startswith("Resumed after"))
        assert int(line["message"].rpartition("step ")[2].rstrip(".")) >= step
        client.jobs.stop(job)
        ended = client.jobs.wait(job, timeout=300)
        assert (ended.state, ended.attempt, ended.restarts) == ("succeeded", 2, 0)
        epochs = [[point["epoch"] for point in each["points"]] for each in client.jobs.metrics(job)["series"]]
        assert all(each == [*range(1, len(each) + 1)] for each in epochs)
        assert len(client.predict("wanderer", x[:3].tolist()).predictions) == 3
    assert SECRET not in web.output + "".join(worker.output for worker in workers.values())


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").json().get("files") == "ok"
    except httpx.TransportError:
        return False
