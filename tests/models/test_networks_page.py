"""The page about networks says what is so."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from models.backbones import KNOWN
from models.outline import outline
from models.presets import PRESETS, SpecError, resolve
from models.schema import Column, InputSchema
from models.specs.layers.spec import MOST_LAYERS, AnyLayer
from models.specs.network import FAMILIES
from models.stack_outline import MOST_PARAMETERS, MOST_VALUES

PAGE = (
    (Path(__file__).parents[2] / "docs" / "networks.md").read_text().replace("\N{MULTIPLICATION SIGN}", "x")
)
NUMBERS = tuple(Column(name=f"x{number}", kind="number") for number in range(10))
ROWS = {
    "images 28x28x1, 10 classes": InputSchema(shape=(28, 28, 1), classes=10, high=255.0),
    "images 8x8x1, 10 classes": InputSchema(shape=(8, 8, 1), classes=10, high=16.0),
    "10 numbers, 3 classes": InputSchema(kind="table", shape=(10,), columns=NUMBERS, classes=3),
    "sequences 100x10, 10 classes": InputSchema(shape=(100, 10), classes=10),
    "texts of 100 tokens, 10,000 known, 10 classes": InputSchema(shape=(100,), vocabulary=10_000, classes=10),
    "blocks of 65 characters, 64 known": InputSchema(shape=(65,), vocabulary=64),
    "vectors of 100": InputSchema(shape=(100,)),
}
EXAMPLES = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
TABLE_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if "|" in line
]


def fits(network: dict, source: InputSchema) -> bool:
    try:
        resolve(network, None, source)
    except SpecError:
        return False
    return True


@pytest.mark.parametrize("network", EXAMPLES)
def test_every_example_is_a_network(network: dict) -> None:
    assert any(fits(network, source) for source in ROWS.values())


def test_every_family_has_an_example_and_a_heading() -> None:
    assert {network["family"] for network in EXAMPLES} == set(FAMILIES)
    assert set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)) == set(FAMILIES)


def test_every_preset_has_the_parameters_that_the_page_tells() -> None:
    told = {cells[0].strip("`"): cells[2:] for cells in TABLE_ROWS if cells[0].strip("`") in PRESETS}
    assert set(told) == set(PRESETS)
    for name, (parameters, rows) in told.items():
        source = ROWS[rows]
        found = outline(resolve({"preset": name}, None, source).network, source, 1).parameters
        assert f"{found:,}" == parameters, name


def test_every_backbone_is_as_the_page_tells() -> None:
    told = {cells[0].strip("`"): cells[1:] for cells in TABLE_ROWS if cells[0].strip("`") in KNOWN}
    assert told == {
        name: [f"{known.parameters:,}", str(known.channels), f"{known.least}x{known.least}"]
        for name, known in KNOWN.items()
    }


def test_every_layer_stands_with_its_arguments() -> None:
    start = PAGE.index("| type | arguments")
    told = {}
    for line in PAGE[start:].splitlines()[2:]:
        if not line.startswith("|"):
            break
        types, arguments = line.strip("|").split("|")
        told[tuple(re.findall(r"`(\w+)`", types))] = set(re.findall(r"`(\w+)`", arguments))
    types = {name for names in told for name in names}
    for layer in get_args(AnyLayer):
        names = get_args(layer.model_fields["type"].annotation)
        assert set(names) <= types, layer
    for name in ("dense", "conv2d", "lstm", "max_pooling1d", "rescaling", "concatenate"):
        (layer,) = [
            each for each in get_args(AnyLayer) if name in get_args(each.model_fields["type"].annotation)
        ]
        (arguments,) = [found for names, found in told.items() if name in names]
        assert arguments - {"inputs"} == set(layer.model_fields) - {"type", "name", "inputs"}, name


def test_the_limits_are_those_that_bind() -> None:
    limits = f"{MOST_LAYERS} layers at most, {MOST_PARAMETERS:,} parameters, and {MOST_VALUES:,} values"
    assert limits in PAGE
