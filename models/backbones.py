"""Known architectures: their sizes, and how they want their images. Keras-free.

Parameters do not depend on the size of images; ``values`` estimates the outputs of all layers for each pixel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models.layers import LayerOutline, Shape
from models.schema import InputSchema
from models.specs.backbone import Architecture
from models.specs.cnn import CnnSpec
from models.specs.problems import SpecError, SpecProblem

# Values of red, green and blue as ImageNet has them, of 255.
MEANS, DEVIATIONS = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
BLUE_MEANS = (103.939, 116.779, 123.68)


@dataclass(frozen=True)
class Known:
    """An architecture as Keras builds it, without its last layers; ``channels`` is what it answers.

    ``wants`` images of which each colour is in -1..1 (``symmetric``), has mean 0 and deviation 1 over
    ImageNet (``standard``), or has mean 0 in a range of 255, blue first (``blue_first``).
    """

    parameters: int
    channels: int
    least: int
    values: int
    wants: Literal["symmetric", "standard", "blue_first"]


KNOWN: Mapping[Architecture, Known] = {
    "mobilenetv2": Known(2_257_984, 1280, 32, 435, "symmetric"),  # Sandler et al., 2018
    "efficientnetb0": Known(4_049_564, 1280, 32, 501, "standard"),  # Tan and Le, 2019
    "resnet50": Known(23_587_712, 2048, 32, 740, "blue_first"),  # He et al., 2016
    "densenet121": Known(7_037_504, 1024, 32, 995, "standard"),  # Huang et al., 2017
    "resnet50v2": Known(23_564_800, 2048, 32, 740, "symmetric"),  # He et al., 2016, Identity mappings
    "vgg16": Known(14_714_688, 512, 32, 304, "blue_first"),  # Simonyan and Zisserman, 2015
}


def size_of(spec: CnnSpec, source: InputSchema, known: Known) -> tuple[int, int]:
    """Return the height and width of images as the architecture is given them."""
    height, width = spec.input_size or source.shape[:2]
    return max(height, known.least), max(width, known.least)


def scale_of(spec: CnnSpec, source: InputSchema, known: Known) -> tuple[list[float], list[float]]:
    """Return a factor and an offset for each channel that turn the dataset's range into what is wanted."""
    if spec.scaling == "none":
        return [1.0] * 3, [0.0] * 3
    means, deviations = {
        "symmetric": ((127.5,) * 3, (127.5,) * 3),
        "standard": (MEANS, DEVIATIONS),
        "blue_first": (BLUE_MEANS, (1.0,) * 3),
    }[known.wants]
    to_255 = 255.0 / (source.high - source.low)
    factors = [to_255 / deviation for deviation in deviations]
    moved = [mean / deviation for mean, deviation in zip(means, deviations, strict=True)]
    return factors, [-source.low * factor - move for factor, move in zip(factors, moved, strict=True)]


def layers(spec: CnnSpec, source: InputSchema) -> list[LayerOutline]:
    """Return the layers from the image to the features of its backbone, those of ``models.cnn_backbone``.

    Raises ``SpecError`` for images that are neither grey nor coloured, or would be made too small.
    """
    assert spec.backbone is not None
    known = KNOWN[spec.backbone.name]
    if source.shape[2] not in (1, 3):
        message = f"A backbone takes images of 1 or 3 channels; these have {source.shape[2]}."
        raise SpecError([SpecProblem("/network/backbone", "wrong_channels", message)])
    if spec.input_size and min(spec.input_size) < known.least:
        message = (
            f"{spec.backbone.name} takes images of {known.least}x{known.least} pixels at least, "
            f"received {list(spec.input_size)}; leave input_size out, and smaller images are enlarged."
        )
        raise SpecError([SpecProblem("/network/input_size", "too_small", message)])
    shape: Shape = source.shape
    found = [LayerOutline(name="image", shape=shape, parameters=0)]
    size = size_of(spec, source, known)
    if size != shape[:2]:
        shape = (*size, shape[2])
        found.append(LayerOutline(name="resizing", shape=shape, parameters=0))
    if shape[2] == 1:
        shape = (*size, 3)
        found.append(LayerOutline(name="coloured", shape=shape, parameters=0))
    found.append(LayerOutline(name="scaling", shape=shape, parameters=0))
    inside = known.values * size[0] * size[1]
    outcome = (known.channels,)
    found.append(LayerOutline(name="backbone", shape=outcome, parameters=known.parameters, inside=inside))
    return found
