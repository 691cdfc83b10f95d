"""The spec of a known architecture that a network is built on. Keras-free."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.specs.spec import Spec

Architecture = Literal["mobilenetv2", "efficientnetb0", "resnet50", "densenet121", "resnet50v2", "vgg16"]


class Backbone(Spec):
    """A known architecture without its last layers, for images."""

    name: Architecture = Field(description="The architecture.")
    weights: Literal["imagenet"] | None = Field(
        None,
        description="`imagenet` starts from weights that were learnt on ImageNet, which the machine that "
        "trains must be able to fetch; null from random ones.",
    )
    trainable: bool = Field(
        True, description="Whether the architecture learns too, or only the layers above it."
    )

    @model_validator(mode="after")
    def _something_is_learnt(self) -> Self:
        if self.weights is None and not self.trainable:
            raise PydanticCustomError(
                "nothing_learnt",
                "Expected `weights` imagenet where `trainable` is false: random weights stay",
            )
        return self
