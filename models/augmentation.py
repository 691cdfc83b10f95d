"""Random changes of training images; they are no part of the network that is kept."""

from collections.abc import Callable
from typing import Any

import keras

from models.schema import InputSchema
from models.specs.augmentations import (
    Augmentation,
    ContrastSpec,
    FlipSpec,
    Mixing,
    NoiseSpec,
    RotationSpec,
    TranslationSpec,
    ZoomSpec,
)

Change = RotationSpec | TranslationSpec | ZoomSpec | FlipSpec | ContrastSpec | NoiseSpec
# What moves into the picture repeats its border: right for dark and for light backgrounds.
_FILL = "nearest"


def augmenter(augmentations: tuple[Augmentation, ...], source: InputSchema, seed: int) -> keras.Model | None:
    """Return a network that changes rows, ``float32[batch, *source.shape]``, each by itself; None for none.

    What mixes rows is left to :mod:`models.mixing`.
    """
    changes = [(place, spec) for place, spec in enumerate(augmentations) if not isinstance(spec, Mixing)]
    if not changes:
        return None
    image = keras.Input(source.shape, dtype="float32")
    x = image
    for place, spec in changes:
        x = _layer(spec, source, seed + place)(x)
    return keras.Model(image, x, name="augmentation")


def _noise(spec: NoiseSpec, source: InputSchema, seed: int) -> Callable[[Any], Any]:
    """Return what adds normal noise to images scaled to 0..1, whatever their own range."""
    width = source.high - source.low
    layer = keras.layers.GaussianNoise(spec.deviation, seed=seed)

    def noisy(images: Any) -> Any:
        changed = keras.ops.clip(layer((images - source.low) / width), 0.0, 1.0)
        return changed * width + source.low

    return noisy


def _layer(spec: Change, source: InputSchema, seed: int) -> Any:
    match spec:
        case RotationSpec(factor=factor):
            return keras.layers.RandomRotation(factor, fill_mode=_FILL, seed=seed)
        case TranslationSpec(factor=factor):
            return keras.layers.RandomTranslation(factor, factor, fill_mode=_FILL, seed=seed)
        case ZoomSpec(factor=factor):
            return keras.layers.RandomZoom(factor, fill_mode=_FILL, seed=seed)
        case FlipSpec(axis="both"):
            return keras.layers.RandomFlip("horizontal_and_vertical", seed=seed)
        case FlipSpec(axis=axis):
            return keras.layers.RandomFlip(axis, seed=seed)
        case ContrastSpec(factor=factor):
            # One number would only ever raise the contrast.
            bounds = source.low, source.high
            return keras.layers.RandomContrast((factor, factor), value_range=bounds, seed=seed)
        case NoiseSpec():
            return _noise(spec, source, seed)
