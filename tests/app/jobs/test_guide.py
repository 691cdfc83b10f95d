"""What the guide to training says can be sent."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.jobs.schemas import JobCreate
from models.catalogue import PRESETS
from models.presets import resolve
from models.schema import Column, InputSchema
from models.specs.training import TrainingSpec

GUIDE = (Path(__file__).parents[3] / "docs" / "training.md").read_text()
EXAMPLES = re.findall(r"^```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
IMAGES = InputSchema(shape=(8, 8, 1), classes=10)
TABLE = InputSchema(kind="table", shape=(1,), classes=3, columns=(Column(name="a", kind="number"),))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_sent_as_it_stands(example: str) -> None:
    fields: dict[str, Any] = {"model": "m", "dataset": "d", "network": {"preset": "cnn-small"}}
    body = JobCreate.model_validate(fields | json.loads(example))
    is_table = PRESETS[body.network["preset"]].family == "mlp"
    assert resolve(body.network, body.training, TABLE if is_table else IMAGES)


def test_every_option_is_in_the_table() -> None:
    table = "".join(line for line in GUIDE.splitlines(keepends=True) if line.startswith("| `"))
    named = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines())))
    assert set(TrainingSpec.model_fields) <= named


def test_a_default_is_what_the_table_says() -> None:
    rows = [line.split("|") for line in GUIDE.splitlines() if line.startswith("| `")]
    said = {name.strip(" `"): default.strip(" `") for _, name, default, *_ in rows}
    for name, field in TrainingSpec.model_fields.items():
        if isinstance(field.default, int | float | str):
            shown = field.default if isinstance(field.default, str) else f"{field.default:g}"
            assert said[name] == shown, name


def test_every_preset_that_is_named_exists() -> None:
    named = re.findall(r"`([a-z]+(?:-[a-z0-9]+)+)`", GUIDE)
    assert set(named) <= set(PRESETS)
