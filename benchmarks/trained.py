"""Networks that a service has trained, to be asked afterwards: each workload's own, in one data folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import keraforge
from app.settings import Settings
from benchmarks.workloads import Workload
from keraforge.demo.service import started

PATIENCE = 300.0


@dataclass(frozen=True)
class Trained:
    """The data folder, its key, and of each model the file of its graph and what that takes."""

    settings: Settings
    key: str
    graphs: dict[str, Path]
    inputs: dict[str, dict[str, Any]]


def train_all(folder: Path, workloads: Sequence[Workload]) -> Trained:
    """Train the network of each workload for an epoch, over REST; the service is stopped again."""
    home, graphs, inputs = folder / "service", {}, {}
    with started(home, ["--port=0"]), keraforge.Client(data_dir=home) as client:
        for each in workloads:
            if each.model in graphs:
                continue
            _upload(client, each, folder / f"{each.name}{each.ending}")
            job = client.train(
                model=each.model,
                dataset=each.name,
                network={"preset": each.preset},
                training={"epochs": 1},
            )
            client.jobs.wait(job.id, timeout=PATIENCE)
            graphs[each.model] = folder / f"{each.model}.onnx"
            graphs[each.model].write_bytes(_artifact(client, each.model, "predict.onnx").content)
            signature = _artifact(client, each.model, "signature.json").json()
            inputs[each.model] = signature["roles"]["predict"]["inputs"][0]
        settings = Settings(_env_file=None, data_dir=home)
        return Trained(settings, client.address.key, graphs, inputs)


def _upload(client: keraforge.Client, workload: Workload, path: Path) -> None:
    workload.write(path)
    client.datasets.create(workload.name, kind=workload.kind)
    client.datasets.upload(workload.name, path)
    client.datasets.wait(workload.name, timeout=PATIENCE)


def _artifact(client: keraforge.Client, model: str, name: str) -> httpx.Response:
    address = client.address
    answer = httpx.get(
        f"{address.url}/api/v1/models/{model}/versions/1/artifacts/{name}",
        headers={"Authorization": f"Bearer {address.key}"},
        trust_env=False,
    )
    return answer.raise_for_status()
