"""Known architectures of ``keras.applications`` as the base of a network, with what they want of images.

Shapes: B rows, H height, W width, C channels. Layers are those of ``models.backbones``.
"""

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from models.backbones import KNOWN, scale_of, size_of
from models.schema import InputSchema
from models.specs.backbone import Architecture, Backbone
from models.specs.cnn import CnnSpec

_APPLICATIONS = {
    "mobilenetv2": keras.applications.MobileNetV2,
    "efficientnetb0": keras.applications.EfficientNetB0,
    "resnet50": keras.applications.ResNet50,
    "densenet121": keras.applications.DenseNet121,
    "resnet50v2": keras.applications.ResNet50V2,
    "vgg16": keras.applications.VGG16,
}
# Architectures that begin with layers of their own for what is done here alike for all: where they go on.
_FIRST_LAYERS = {"efficientnetb0": "stem_conv_pad"}
_FETCH_SECONDS = 30.0


class NoWeights(Exception):
    """The learnt weights of an architecture cannot be fetched."""

    def __init__(self, architecture: Architecture, reason: str) -> None:
        super().__init__(f"the ImageNet weights of {architecture} cannot be fetched: {reason}")
        self.architecture = architecture
        self.reason = reason


def features_of(image: Any, spec: CnnSpec, source: InputSchema) -> Any:
    """Return the features of images, ``float32[B, channels]``, an average over all places."""
    assert spec.backbone is not None
    size = size_of(spec, source, KNOWN[spec.backbone.name])
    return architecture(spec.backbone, size)(prepared(image, spec, source))


def prepared(image: Any, spec: CnnSpec, source: InputSchema) -> Any:
    """Return images as the architecture wants them, ``float32[B, H, W, 3]``."""
    assert spec.backbone is not None
    known = KNOWN[spec.backbone.name]
    size = size_of(spec, source, known)
    x = image
    if size != source.shape[:2]:
        x = keras.layers.Resizing(*size, interpolation="bilinear", name="resizing")(x)
    if source.shape[2] == 1:
        x = keras.layers.Concatenate(name="coloured")([x, x, x])
    elif known.wants == "blue_first" and spec.scaling == "unit":
        x = keras.ops.flip(x, axis=-1)
    factors, offsets = scale_of(spec, source, known)
    return keras.layers.Rescaling(factors, offsets, name="scaling")(x)


def architecture(backbone: Backbone, size: tuple[int, int]) -> keras.Model:
    """Return an architecture from ``float32[B, *size, 3]`` to its features; raises :class:`NoWeights`."""
    build = _APPLICATIONS[backbone.name]
    with _fetching():
        try:
            whole = build(include_top=False, weights=backbone.weights, input_shape=(*size, 3), pooling="avg")
        except Exception as error:
            # Keras raises a bare Exception where it cannot fetch, and whatever reading a broken file raises.
            if backbone.weights is None:
                raise
            raise NoWeights(backbone.name, str(error)) from error
    first = _FIRST_LAYERS.get(backbone.name)
    inputs = whole.get_layer(first).input if first else whole.input
    network = keras.Model(inputs, whole.output, name="backbone")
    network.trainable = backbone.trainable
    return network


@contextmanager
def _fetching() -> Iterator[None]:
    """Within, a server that says nothing is waited for no longer than ``_FETCH_SECONDS``."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_FETCH_SECONDS)
    try:
        with warnings.catch_warnings():
            # That the weights were learnt on larger images is no surprise.
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        socket.setdefaulttimeout(before)
