"""What the gallery asks of a running service: trainings, versions, pictures, and how long answers take."""

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

import keraforge
from benchmarks.gallery.exhibits import Exhibit
from keraforge.demo.service import started

TRAINING_SECONDS = 1800.0
ASKED = 50
TOKENS = 200


@dataclass(frozen=True)
class Service:
    """A running service: the client, and REST as it is."""

    client: keraforge.Client
    rest: httpx.Client


@dataclass(frozen=True)
class Hung:
    """A version that hangs in the gallery; ``seconds`` is what its whole job took."""

    exhibit: Exhibit
    version: keraforge.ModelVersion
    seconds: float

    @property
    def path(self) -> str:
        """Its address."""
        return f"/models/{self.version.model}/versions/{self.version.version}"


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Run a service with its data in ``folder`` until the end of the block."""
    with started(folder, ["--port=0"]), keraforge.Client(data_dir=folder) as client:
        address = client.address
        headers = {"Authorization": f"Bearer {address.key}"}
        with httpx.Client(base_url=f"{address.url}/api/v1", headers=headers, timeout=120) as rest:
            yield Service(client, rest)


def train(service: Service, exhibit: Exhibit, dataset: str) -> Hung:
    """Train an exhibit; raise what the client raises where that fails."""
    job = service.client.train(
        model=exhibit.model,
        dataset=dataset,
        network={"preset": exhibit.preset, **exhibit.network},
        training=dict(exhibit.training),
    )
    ended = service.client.jobs.wait(job.id, timeout=TRAINING_SECONDS)
    version = service.client.models.version(exhibit.model, ended.version)
    began, over = (datetime.fromisoformat(at) for at in (ended.started_at, ended.finished_at))
    return Hung(exhibit, version, (over - began).total_seconds())


def report(service: Service, hung: Hung) -> dict[str, Any]:
    """Return the report of a version."""
    return got(service.rest.get(f"{hung.path}/artifacts/report.json")).json()


def save_picture(service: Service, hung: Hung, folder: Path) -> Path:
    """Keep the picture of an exhibit, and return where."""
    path = folder / f"{hung.exhibit.model}.png"
    path.write_bytes(got(service.rest.get(f"{hung.path}/artifacts/{hung.exhibit.picture}")).content)
    return path


def first_row(service: Service, dataset: keraforge.DatasetVersion, hung: Hung) -> Any:
    """Return the first row of a dataset as a version is asked about it."""
    page = service.client.datasets.preview(dataset.dataset, dataset.number, limit=1)
    row = page["rows"][0]
    if row.get("text") is not None:
        return row["text"]
    if page.get("columns"):
        return dict(zip(page["columns"], row["values"], strict=True))
    # What is foretold is the last step.
    return row["values"][:-1] if "naive_rmse" in hung.version.metrics else row["values"]


def answer_seconds(service: Service, hung: Hung, row: Any) -> float:
    """Return the median time of an answer about one row over REST; for text, of one token."""
    bodies: Mapping[str, dict[str, Any]] = {
        "predict": {"instances": [row]},
        "reconstruct": {"instances": [row]},
        "samples": {"count": 1, "seed": 1},
        "generate": {"prompt": "The", "max_tokens": TOKENS, "seed": 1},
    }
    question = hung.exhibit.question
    times = []
    for _ in range(ASKED if question != "generate" else 5):
        began = time.perf_counter()
        got(service.rest.post(f"{hung.path}/{question}", json=bodies[question]))
        times.append(time.perf_counter() - began)
    return statistics.median(times) / (TOKENS if question == "generate" else 1)


def got(response: httpx.Response) -> httpx.Response:
    """Return an answer that is good; end the program with what it says if it is not."""
    if not response.is_success:
        raise SystemExit(f"{response.request.method} {response.request.url}: {response.text[:500]}")
    return response
