"""Random changes of training images; they are no part of the network that is kept."""

import keras

from models.schema import InputSchema
from models.specs.augmentations import (
    Augmentation,
    ContrastSpec,
    FlipSpec,
    RotationSpec,
    TranslationSpec,
    ZoomSpec,
)

# What moves into the picture repeats its border: right for dark and for light backgrounds.
_FILL = "nearest"


def augmenter(augmentations: tuple[Augmentation, ...], source: InputSchema, seed: int) -> keras.Model | None:
    """Return a network that changes rows, ``float32[batch, *source.shape]``; None if there are no changes."""
    if not augmentations:
        return None
    image = keras.Input(source.shape, dtype="float32")
    x = image
    for place, spec in enumerate(augmentations):
        x = _layer(spec, source, seed + place)(x)
    return keras.Model(image, x, name="augmentation")


def _layer(spec: Augmentation, source: InputSchema, seed: int) -> keras.Layer:
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
