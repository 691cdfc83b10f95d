from typing import Any

import pytest

from models.presets import read, resolve
from models.schema import InputSchema
from models.specs.problems import SpecError

IMAGES = InputSchema(shape=(8, 8, 1), classes=2, labels=("cat", "dog"))
VALUES = InputSchema(shape=(4,), targets=1)


def refused(training: dict[str, Any], source: InputSchema, network: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as raised:
        resolve(network, training, source)
    (problem,) = raised.value.errors
    return f"{problem.pointer}: {problem.message}"


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"augmentation": [{"name": "rotation"}]}, "/training/augmentation: Augmentation changes images"),
        ({"class_weight": "balanced"}, "/training/class_weight: Classes are weighted in classification"),
        ({"label_smoothing": 0.1}, "/training/label_smoothing: Labels are smoothed"),
        ({"early_stopping": {"monitor": "val_accuracy"}}, "/training/early_stopping/monitor: There is no"),
    ],
)
def test_an_option_without_effect_is_refused(training: dict[str, Any], said: str) -> None:
    assert refused(training, VALUES, {"family": "mlp"}).startswith(said)


def test_a_weight_for_an_unknown_class_names_the_nearest() -> None:
    said = refused({"class_weight": {"cta": 2.0}}, IMAGES, {"preset": "cnn-small"})
    assert said.startswith("/training/class_weight/cta: ")
    assert "'cat'" in said


def test_fields_can_be_checked_without_rows() -> None:
    assert read({"preset": "tabular-small"}, {"epochs": 3}).training.epochs == 3
    with pytest.raises(SpecError, match="epochs"):
        read({"preset": "tabular-small"}, {"epochs": -1})
