"""What a person is told of a field that is unknown where it stands."""

from collections.abc import Mapping
from typing import Any

import pytest

from models.presets import read
from models.specs.network import FAMILIES
from models.specs.problems import SpecError


def told(network: Mapping[str, Any], training: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(SpecError) as raised:
        read(network, training)
    (problem,) = raised.value.errors
    return problem.message


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"family": "rnn", "units": 64},
            "Unknown field 'units'. Did you mean 'units' in 'layers' or 'dense'?",
        ),
        ({"family": "cnn", "kernal": 3}, "Unknown field 'kernal'. Did you mean 'kernel' in 'blocks'?"),
        (
            {"family": "rnn", "layers": [{"units": 3, "unit": 4}]},
            "Unknown field 'unit'. Did you mean 'units'?",
        ),
        (
            {"family": "attention", "attention": [{"name": "gated", "heads": 4}]},
            "Unknown field 'heads'. It is a field of self; this is gated.",
        ),
        (
            {"family": "layers", "layers": [{"type": "flatten"}, {"type": "max_pooling2d", "kernel": 3}]},
            "Unknown field 'kernel'. It is a field of conv1d, conv2d, depthwise_conv1d, depthwise_conv2d, …;"
            " this is max_pooling2d.",
        ),
        (
            {"family": "text_generator", "epochs": 3},
            "Unknown field 'epochs'. There are cell, dropout, embedding_size, family, inputs, units.",
        ),
    ],
)  # fmt: skip
def test_it_is_told_where_a_field_belongs(network: dict[str, Any], message: str) -> None:
    assert told(network) == message


def test_it_is_told_of_objects_in_objects() -> None:
    schedule = {"name": "step", "patience": 2}
    message = told({"family": "mlp"}, {"optimizer": {"name": "adam", "schedule": schedule}})
    assert message == "Unknown field 'patience'. It is a field of plateau; this is step."
    message = told({"family": "mlp"}, {"learning_rate": 0.1})
    assert message == "Unknown field 'learning_rate'. Did you mean 'learning_rate' in 'optimizer'?"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_field_is_never_told_to_be_itself(family: str) -> None:
    schema = FAMILIES[family].model_json_schema()
    nested = {field for part in schema.get("$defs", {}).values() for field in part.get("properties", ())}
    # Fields that are wanted and missing are problems of their own.
    wanted = {"layers": [{"type": "flatten"}]} if family == "layers" else {}
    for field in nested - set(schema["properties"]):
        assert not told({"family": family, field: 1, **wanted}).endswith(f"mean {field!r}?"), field
