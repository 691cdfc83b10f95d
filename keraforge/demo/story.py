"""The main job from end to end, told through the REST API alone."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

import keraforge
from keraforge.cli.following import follow
from keraforge.client.client import Client
from keraforge.demo.picture import answer_beside, as_characters

NAME = "digits"
PRESET = "cnn-small"
WANTED_ACCURACY = 0.97
PAGE_ROWS = 50
# What is done faster than this is said without its time.
SHOWN_SECONDS = 0.5


@dataclass
class Steps:
    """Says what was done, and how long it took."""

    console: Console
    _since: float = field(default_factory=time.monotonic)

    def done(self, name: str, text: str) -> None:
        """Say that a step is done."""
        seconds = time.monotonic() - self._since
        took = f"  {seconds:.1f} s" if seconds >= SHOWN_SECONDS else ""
        line = Text.assemble(("✓ ", "bold green"), (f"{name:<9} ", "bold"), text, (took, "dim"))
        self.console.print(line, soft_wrap=True)
        self._since = time.monotonic()


def tell(client: Client, steps: Steps) -> list[Any]:
    """Register the digits, train on them, ask about one of them; return its pixels.

    Raises:
        KeraforgeError: a step failed, or the network is not as good as it must be.
    """
    dataset = _register(client, steps)
    version = _train(client, dataset, steps)
    return _ask(client, dataset, version, steps)


def _register(client: Client, steps: Steps) -> keraforge.DatasetVersion:
    # There already, if the demo ran before.
    with suppress(keraforge.Conflict):
        client.datasets.create(NAME, builtin=NAME)
    with steps.console.status("Reading the images …"):
        version = client.datasets.wait(NAME, timeout=60)
    schema = _schema(version)
    height, width = schema["shape"][:2]
    rows, classes, kept = schema["rows"], len(schema["labels"]), schema["test_rows"]
    steps.done(
        "Dataset",
        f"{version.name}: {rows:,} images of {height} by {width} pixels in {classes} classes, "
        f"{kept} of them kept for the test",
    )
    return version


def _train(client: Client, dataset: keraforge.DatasetVersion, steps: Steps) -> keraforge.ModelVersion:
    job = client.train(model=NAME, dataset=dataset.name, network={"preset": PRESET})
    follow(client.jobs.watch(job.id), steps.console, f"  {PRESET}")
    ended = client.jobs.get(job.id).ensure_succeeded()
    assert ended.version is not None
    version = client.models.version(NAME, ended.version)
    steps.done("Training", f"{NAME}@{version.version}: {version.parameters:,} parameters, {job.id}")
    accuracy = float(version.metrics["accuracy"])
    steps.done("Test", f"accuracy {accuracy:.4f} on {_schema(dataset)['test_rows']} images it never saw")
    if accuracy < WANTED_ACCURACY:
        raise keraforge.KeraforgeError(
            f"The test accuracy is {accuracy:.4f}; at least {WANTED_ACCURACY} must be reached."
        )
    return version


def _ask(
    client: Client, dataset: keraforge.DatasetVersion, version: keraforge.ModelVersion, steps: Steps
) -> list[Any]:
    row = _test_row(client, dataset, version.version)
    pixels: list[Any] = row["values"]
    answer = client.predict(NAME, [pixels], version=version.version)
    said = answer.predictions[0]
    steps.done(
        "Predict",
        f"test image {row['row']}: the answer is {said.label}, with probability {said.probability:.1%}",
    )
    image = _schema(dataset)["image"]
    picture = as_characters([[cell[0] for cell in line] for line in pixels], image["low"], image["high"])
    steps.console.print()
    for line in answer_beside(picture, answer.labels, said.probabilities):
        steps.console.print(line, soft_wrap=True)
    steps.console.print(Text(f"\n    Whoever wrote it meant {row['label']}.", style="dim"))
    return pixels


def _test_row(client: Client, dataset: keraforge.DatasetVersion, which: int) -> Mapping[str, Any]:
    """Return a test row, another one for each version that was trained."""
    found: list[Mapping[str, Any]] = []
    for offset in range(0, _schema(dataset)["rows"], PAGE_ROWS):
        page = client.datasets.preview(dataset.dataset, dataset.number, offset=offset, limit=PAGE_ROWS)
        found += [row for row in page["rows"] if row["split"] == "test"]
        if len(found) >= which:
            return found[which - 1]
    return found[which % len(found)]


def _schema(dataset: keraforge.DatasetVersion) -> Mapping[str, Any]:
    assert dataset.schema is not None
    return dataset.schema
