"""What reports are made from: little trained or known networks, with rows to examine them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from models.export import serving_function
from models.lesson import TrainingData
from models.presets import resolve
from models.registry import build, roles_of
from models.reports.report import Examined
from models.rows import Rows
from models.schema import DatasetSchema, input_of
from models.statistics import measure
from models.training import train


@pytest.fixture(scope="session")
def learnt() -> Callable[..., Examined]:
    """Train a network on rows, the last quarter of which tests, and return it as a report sees it."""

    def learn(
        network: dict[str, Any],
        schema: DatasetSchema,
        x: np.ndarray,
        y: np.ndarray | None = None,
        **training: Any,
    ) -> Examined:
        source = input_of(schema)
        specs = resolve(network, {"epochs": 2, "batch_size": 8, **training}, source)
        numbers = np.arange(len(x))
        trains, validates, tests = np.split(numbers, [len(x) // 2, len(x) * 3 // 4])
        rows = Rows(x, np.zeros(len(x), np.int64) if y is None else y, trains, validates, tests)
        statistics = measure(x, rows.y, trains, source)
        built = build(specs.network, source, statistics, seed=specs.training.seed)
        data = TrainingData(x, rows.y, trains, validates, source, statistics)
        outcome = train(
            built,
            specs.network,
            specs.training,
            data,
            report=lambda kind, figures: None,
            should_stop=lambda: False,
        )
        played = roles_of(specs.network, built, source)
        return Examined(
            spec=specs.network,
            training=specs.training,
            schema=schema,
            rows=rows,
            roles={role.name: role for role in played},
            serve={role.name: serving_function(role) for role in played},
            epochs=[{"epoch": each["epoch"], **each["metrics"]} for each in outcome.epochs],
        )

    return learn
