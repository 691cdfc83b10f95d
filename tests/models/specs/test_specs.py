import json

import pytest
from pydantic import BaseModel, ValidationError

from models.specs.cnn import CnnSpec, ConvolutionBlock
from models.specs.dense import DenseBlock
from models.specs.network import FAMILIES
from models.specs.training import TrainingSpec


def fields_of(schema: dict, place: str):
    """Every property of a JSON schema and of its definitions, with a name for it."""
    for name, part in schema.get("properties", {}).items():
        yield f"{place}.{name}", part
    for name, part in schema.get("$defs", {}).items():
        yield from fields_of(part, name)


@pytest.mark.parametrize("spec", [*FAMILIES.values(), TrainingSpec])
def test_every_field_is_described(spec: type[BaseModel]):
    silent = [
        name
        for name, part in fields_of(spec.model_json_schema(), spec.__name__)
        if not part.get("description")
    ]
    assert silent == []


def test_a_number_stands_for_a_block():
    spec = CnnSpec.model_validate({"blocks": [16], "dense": [64]})
    assert spec.blocks == (ConvolutionBlock(filters=16),)
    assert spec.dense == (DenseBlock(units=64),)


def test_specs_survive_the_way_through_json():
    network = CnnSpec.model_validate(
        {"blocks": [16, {"filters": 8, "pooling": "average"}], "input_size": [28, 28]}
    )
    training = TrainingSpec.model_validate(
        {
            "optimizer": {"name": "sgd", "momentum": 0.9, "schedule": {"name": "step", "every_epochs": 3}},
            "early_stopping": {"patience": 3},
            "class_weight": {"0": 2},
            "augmentation": [{"name": "rotation", "factor": 0.1}],
        }
    )
    for spec in (network, training):
        assert type(spec).model_validate(json.loads(spec.model_dump_json())) == spec
        assert type(spec).model_validate(spec.model_dump(mode="json")) == spec


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        TrainingSpec().epochs = 3


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        (TrainingSpec, {"epochs": 0}),
        (TrainingSpec, {"epochs": 10_001}),
        (TrainingSpec, {"epochs": "3"}),
        (TrainingSpec, {"epochs": True}),
        (TrainingSpec, {"epochs": 2.5}),
        (TrainingSpec, {"batch_size": 0}),
        (TrainingSpec, {"batch_size": 8193}),
        (TrainingSpec, {"validation": 1.0}),
        (TrainingSpec, {"seed": -1}),
        (TrainingSpec, {"seed": 2**31}),
        (TrainingSpec, {"max_seconds": 0}),
        (TrainingSpec, {"max_seconds": float("inf")}),
        (TrainingSpec, {"optimizer": {"name": "adam", "learning_rate": float("nan")}}),
        (TrainingSpec, {"optimizer": {"name": "adam", "momentum": 0.9}}),
        (TrainingSpec, {"optimizer": {"name": "lion"}}),
        (TrainingSpec, {"optimizer": {"learning_rate": 0.1}}),
        (TrainingSpec, {"early_stopping": {"monitor": "loss"}}),
        (TrainingSpec, {"class_weight": "even"}),
        (TrainingSpec, {"class_weight": {"a": -1}}),
        (TrainingSpec, {"augmentation": [{"name": "shear"}]}),
        (TrainingSpec, {"batchsize": 3}),
        (CnnSpec, {"blocks": []}),
        (CnnSpec, {"blocks": [True]}),
        (CnnSpec, {"blocks": [{"filters": 3, "pooling": "min"}]}),
        (CnnSpec, {"blocks": [1] * 65}),
        (CnnSpec, {"input_size": [28]}),
        (CnnSpec, {"input_size": [0, 28]}),
        (CnnSpec, {"dense": [65_537]}),
        (CnnSpec, {"activation": "softmax"}),
        (CnnSpec, {"dropout": 1.0}),
        (CnnSpec, {"l2": -0.1}),
    ],
)
def test_what_makes_no_sense_is_refused(spec: type[BaseModel], sent: dict):
    with pytest.raises(ValidationError):
        spec.model_validate(sent)


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        (TrainingSpec, {"epochs": 1, "batch_size": 1}),
        (TrainingSpec, {"epochs": 10_000, "batch_size": 8192}),
        (TrainingSpec, {"validation": 0, "seed": 2**31 - 1}),
        (CnnSpec, {"blocks": [8192] * 64, "dense": [65_536] * 32}),
    ],
)
def test_the_limits_themselves_are_allowed(spec: type[BaseModel], sent: dict):
    spec.model_validate(sent)
