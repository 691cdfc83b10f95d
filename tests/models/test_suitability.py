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
        (
            {"optimizer": {"name": "adam", "schedule": {"name": "plateau", "monitor": "val_accuracy"}}},
            "/training/optimizer/schedule/monitor: There is no accuracy",
        ),
        (
            {"optimizer": {"name": "adam", "schedule": {"name": "plateau"}}, "validation": 0},
            "/training/optimizer/schedule: A plateau is seen in validation rows",
        ),
        (
            {"xla": "on", "determinism": "strict"},
            "/training/xla: XLA cannot be had where determinism is strict",
        ),
        ({"early_stopping": {"monitor": "val_accuracy"}}, "/training/early_stopping/monitor: There is no"),
    ],
)
def test_an_option_without_effect_is_refused(training: dict[str, Any], said: str) -> None:
    assert refused(training, VALUES, {"family": "mlp"}).startswith(said)


def test_a_weight_for_an_unknown_class_names_the_nearest() -> None:
    said = refused({"class_weight": {"cta": 2.0}}, IMAGES, {"preset": "cnn-small"})
    assert said.startswith("/training/class_weight/cta: ")
    assert "'cat'" in said


@pytest.mark.parametrize(
    ("labels", "network", "source", "said"),
    [
        (["cat"], {"preset": "cnn-small"}, IMAGES, "/training/normal_labels: An autoencoder finds"),
        (
            ["cat"],
            {"preset": "vae"},
            InputSchema(shape=(8, 8, 1)),
            "/training/normal_labels: Labels of normal",
        ),
        (["dog", "cat"], {"preset": "vae"}, IMAGES, "/training/normal_labels: All labels are named"),
        (
            ["dog", "cta"],
            {"preset": "vae"},
            IMAGES,
            "/training/normal_labels/1: The dataset has no label 'cta'",
        ),
    ],
)
def test_normal_labels_are_some_of_the_labels_and_for_autoencoders(
    labels: list[str], network: dict[str, Any], source: InputSchema, said: str
) -> None:
    assert refused({"normal_labels": labels}, source, network).startswith(said)
    assert resolve({"preset": "vae"}, {"normal_labels": ["dog"]}, IMAGES).training.normal_labels == ("dog",)


def test_fields_can_be_checked_without_rows() -> None:
    assert read({"preset": "tabular-small"}, {"epochs": 3}).training.epochs == 3
    with pytest.raises(SpecError, match="epochs"):
        read({"preset": "tabular-small"}, {"epochs": -1})


def test_two_players_have_no_plateau() -> None:
    plateau = {"name": "adam", "schedule": {"name": "plateau"}}
    network = {"preset": "dense-gan"}
    for own in ("generator_optimizer", "discriminator_optimizer"):
        said = refused({}, IMAGES, network | {own: plateau})
        assert said.startswith(f"/network/{own}/schedule: Two players")
    assert refused({"optimizer": plateau}, IMAGES, network).startswith("/training/optimizer/schedule: Two")


def test_rows_are_mixed_once_and_only_where_they_have_classes() -> None:
    mixing = {"augmentation": [{"name": "flip"}, {"name": "mixup"}]}
    said = refused(mixing, IMAGES, {"preset": "conv-autoencoder"})
    assert said.startswith("/training/augmentation/1: mixup mixes images and their labels")
    twice = {"augmentation": [{"name": "mixup"}, {"name": "cutmix"}]}
    assert refused(twice, IMAGES, {"preset": "cnn-small"}).startswith("/training/augmentation/1: cutmix")
    assert resolve({"preset": "cnn-small"}, mixing, IMAGES).training.augmentation[1].name == "mixup"
