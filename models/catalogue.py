"""The presets: networks under a name, with the training that suits them. Keras-free."""

from collections.abc import Mapping

from models import cnn_presets, dense_presets, generator_presets, recurrent_presets, text_presets
from models.preset import Preset

__all__ = ["PRESETS", "Preset"]


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        *cnn_presets.PRESETS,
        *dense_presets.PRESETS,
        *generator_presets.PRESETS,
        *recurrent_presets.PRESETS,
        *text_presets.PRESETS,
    )
}
