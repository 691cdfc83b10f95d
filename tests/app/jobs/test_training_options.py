"""Options of training over REST: echoed with every default, or refused with their place."""

from typing import Any

import pytest

from app.tables import Dataset

# What differs between the databases is proved by other tests.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def plateau(**fields: Any) -> dict[str, Any]:
    return {"optimizer": {"name": "sgd", "schedule": {"name": "plateau"} | fields}}


TAKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        plateau(patience=2),
        plateau(
            patience=2,
            monitor="val_loss",
            factor=0.5,
            min_delta=0.0,
            least_factor=0.001,
            warmup_epochs=0.0,
        ),
    ),
    ({"clip_norm": 1.0, "clip_value": 0.5}, {"clip_norm": 1.0, "clip_value": 0.5}),
    ({"augmentation": [{"name": "noise"}]}, {"augmentation": [{"name": "noise", "deviation": 0.05}]}),
    ({"augmentation": [{"name": "mixup"}]}, {"augmentation": [{"name": "mixup", "alpha": 0.2}]}),
    ({"augmentation": [{"name": "cutmix"}]}, {"augmentation": [{"name": "cutmix", "alpha": 1.0}]}),
    ({"mixed_precision": "on", "xla": "on"}, {"mixed_precision": "on", "xla": "on"}),
    (
        {"cross_validation": {"folds": 3}},
        {"cross_validation": {"folds": 3, "seeds": 1, "ensemble": False}},
    ),
    ({"label_smoothing": 0.1, "class_weight": {"zero": 2.0}}, {"class_weight": {"zero": 2.0}}),
    ({"max_seconds": 2.5}, {"max_seconds": 2.5}),
    ({"devices": 2}, {"devices": 2}),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    (plateau(factor=1.0), "/training/optimizer/schedule/factor"),
    (plateau() | {"validation": 0}, "/training/optimizer/schedule"),
    ({"clip_value": 0}, "/training/clip_value"),
    ({"augmentation": [{"name": "noise", "deviation": 2}]}, "/training/augmentation/0/deviation"),
    ({"augmentation": [{"name": "mixup", "alpha": 0}]}, "/training/augmentation/0/alpha"),
    ({"augmentation": [{"name": "mixup"}, {"name": "cutmix"}]}, "/training/augmentation/1"),
    ({"augmentation": [{"name": "flip"}], "xla": "on"}, "/training/xla"),
    ({"mixed_precision": True}, "/training/mixed_precision"),
    ({"devices": 0}, "/training/devices"),
    ({"devices": 5, "batch_size": 4}, "/training/devices"),
    ({"freeze": [""]}, "/training/freeze/0"),
    ({"max_seconds": 0}, "/training/max_seconds"),
    ({"class_weight": {"zero": 0, "one": 0}}, "/training/class_weight"),
]


def holds(found: Any, expected: Any) -> bool:
    """Tell whether all that is expected is found, at any depth."""
    if isinstance(expected, dict):
        return all(holds(found[key], value) for key, value in expected.items())
    return bool(found == expected)


def test_options_are_echoed_with_every_default(jobs: Any, digits: Dataset) -> None:
    for training, expected in TAKEN:
        found = jobs.submit(training=training)["resolved"]["training"]
        assert holds(found, expected), (training, found)


def test_options_that_are_wrong_or_without_effect_are_refused(jobs: Any, digits: Dataset) -> None:
    for training, pointer in REFUSED:
        answer = jobs.post(jobs.body(training=training))
        assert answer.status_code == 422, (training, answer.text)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], training
