"""The specs of random changes that training images undergo. They exist while training only. Keras-free."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.spec import Spec


class RotationSpec(Spec):
    """Turn about the centre."""

    name: Literal["rotation"] = Field(description="The change.")
    factor: float = Field(0.05, gt=0, le=0.5, description="Largest angle either way, in turns.")


class TranslationSpec(Spec):
    """Shift along both axes."""

    name: Literal["translation"] = Field(description="The change.")
    factor: float = Field(0.1, gt=0, le=0.9, description="Largest shift, as a share of the side.")


class ZoomSpec(Spec):
    """Enlarge or shrink, keeping the proportions."""

    name: Literal["zoom"] = Field(description="The change.")
    factor: float = Field(0.1, gt=0, le=0.9, description="Largest change of size, as a share.")


class FlipSpec(Spec):
    """Mirror every second image, on average."""

    name: Literal["flip"] = Field(description="The change.")
    axis: Literal["horizontal", "vertical", "both"] = Field("horizontal", description="Direction.")


class ContrastSpec(Spec):
    """Stretch or shrink the distance of each pixel from the image's mean."""

    name: Literal["contrast"] = Field(description="The change.")
    factor: float = Field(0.1, gt=0, lt=1, description="Largest change of contrast, as a share.")


class NoiseSpec(Spec):
    """Add a random number to each value of each pixel; what leaves the range of the images is cut."""

    name: Literal["noise"] = Field(description="The change.")
    deviation: float = Field(
        0.05, gt=0, le=1, description="Standard deviation of the noise, as a share of the range of pixels."
    )


class MixupSpec(Spec):
    """Blend each image, and its label, with another one of the batch (Zhang et al., 2018)."""

    name: Literal["mixup"] = Field(description="The change.")
    alpha: float = Field(
        0.2, gt=0, le=100, description="Both parameters of the beta distribution of an image's share."
    )


class CutmixSpec(Spec):
    """Paste a rectangle of another image of the batch, and its share of the label (Yun et al., 2019)."""

    name: Literal["cutmix"] = Field(description="The change.")
    alpha: float = Field(
        1.0, gt=0, le=100, description="Both parameters of the beta distribution of an image's share."
    )


# What mixes rows mixes their labels too, and so is more than a change of images.
Mixing = MixupSpec | CutmixSpec
Augmentation = Annotated[
    RotationSpec | TranslationSpec | ZoomSpec | FlipSpec | ContrastSpec | NoiseSpec | MixupSpec | CutmixSpec,
    Field(discriminator="name"),
]
