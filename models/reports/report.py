"""What a report is made from, and what it is: the same for every task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.asking import Asked, Serve
from models.rows import Rows
from models.schema import DatasetSchema
from models.signature import Role
from models.specs.network import NetworkSpec
from models.specs.training import TrainingSpec

BATCH_ROWS = 64

Made = np.ndarray | str
"""What was made up after an epoch: rows, ``float32[n, *shape]``, or a text."""


@dataclass(frozen=True)
class Examined:
    """A trained network as it is served, the rows to examine it with, and how it learnt.

    ``epochs`` holds the figures of each epoch, NaN as None; ``vocabulary`` the tokens by id, of texts;
    ``snapshots`` what it made up after some epochs. ``threshold`` is the error beyond which a row is an
    anomaly, where that was decided before; None: these rows decide it.
    """

    spec: NetworkSpec
    training: TrainingSpec
    schema: DatasetSchema
    rows: Rows
    roles: Mapping[Role, Asked]
    serve: Mapping[Role, Serve]
    epochs: list[dict[str, Any]]
    vocabulary: list[str] = field(default_factory=list)
    snapshots: Mapping[int, Made] = field(default_factory=dict)
    threshold: float | None = None

    def answers(self, role: Role, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what a role answers to some rows of the dataset, ``[n, …]`` by name, a batch at a time."""
        batches = np.split(rows, range(BATCH_ROWS, len(rows), BATCH_ROWS))
        played, serve = self.roles[role], self.serve[role]
        found = [serve(played.examples(self.rows.read(batch))) for batch in batches]
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


@dataclass(frozen=True)
class Report:
    """``content`` becomes ``report.json``, ``metrics`` stand in lists, ``pictures`` draw themselves.

    ``threshold`` is the error beyond which a row is an anomaly, where the task has one; ``card`` are lines of
    Markdown for the card's section on results.
    """

    content: dict[str, Any]
    metrics: dict[str, float]
    pictures: Mapping[str, Callable[[Path], None]]
    card: list[str] = field(default_factory=list)
    threshold: float | None = None
