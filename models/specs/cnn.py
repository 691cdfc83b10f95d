"""The spec of a convolutional network for images and for sequences of one length. Keras-free."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.specs.activations import Activation
from models.specs.backbone import Backbone
from models.specs.dense import Dense, Share
from models.specs.spec import Spec

Pooling = Literal["none", "max", "average"]
Side = Annotated[int, Field(ge=1, le=2048)]


class ConvolutionBlock(Spec):
    """One convolution; then, where asked for, batch normalisation, activation, pooling and dropout.

    Along the two sides of images, or along the time of sequences.
    """

    filters: int = Field(ge=1, le=8192, description="Number of filters, the channels of the block's output.")
    kernel: int = Field(3, ge=1, le=63, description="Height and width of the kernel, in pixels or steps.")
    stride: int = Field(1, ge=1, le=16, description="Step of the kernel, in pixels or steps.")
    separable: bool = Field(
        False,
        description="Filter each channel alone, then mix the channels pixel by pixel: fewer weights.",
    )
    residual: bool = Field(
        False,
        description="Two such convolutions, whose result is added to what came in: a residual block. The "
        "first one has the stride; where sizes differ, what came in goes through a 1x1 convolution.",
    )
    padding: Literal["same", "valid"] = Field(
        "same", description="`same` pads the border so that stride 1 keeps the size; `valid` does not pad."
    )
    activation: Activation | None = Field(None, description="Activation; null means the network's.")
    batch_normalization: bool = Field(
        False, description="Normalise each filter's output over the batch, before the activation."
    )
    pooling: Pooling = Field("none", description="Pooling after the activation.")
    pool_size: int = Field(
        2, ge=1, le=16, description="Height, width and step of the pooling, in pixels or steps."
    )
    dropout: Share = Field(0.0, description="Share of the block's output that is dropped while training.")


def _filters(block: Any) -> Any:
    return {"filters": block} if isinstance(block, int) else block


Convolution = Annotated[
    ConvolutionBlock, BeforeValidator(_filters, json_schema_input_type=ConvolutionBlock | int)
]


class CnnSpec(Spec):
    """A convolutional network: scaling, convolutions or a known architecture, a dense head, a prediction."""

    family: Literal["cnn"] = Field("cnn", description="The family.")
    scaling: Literal["unit", "none"] = Field(
        "unit",
        description="`unit` maps the range of images to 0..1 inside the network, or to what the backbone was "
        "made for; it gives each number of a sequence mean 0 and deviation 1, as seen in the training rows, "
        "and a missing one is taken as 0. `none` takes numbers as they are.",
    )
    input_size: tuple[Side, Side] | None = Field(
        None,
        strict=False,
        description="Height and width that images are resized to inside the network; null keeps their size, "
        "or enlarges them to the least size of the backbone.",
    )
    backbone: Backbone | None = Field(
        None, description="A known architecture in the place of the blocks; its features are averaged."
    )
    blocks: tuple[Convolution, ...] = Field(
        (ConvolutionBlock(filters=32, pooling="max"), ConvolutionBlock(filters=64, pooling="max")),
        strict=False,
        max_length=64,
        description="Convolution blocks, in order; none with a backbone. A number stands for a block with so "
        "many filters.",
    )
    global_pooling: Pooling = Field(
        "none",
        description="Reduce each channel to its maximum or average before the head; `none` flattens. After "
        "a backbone it is always the average.",
    )
    dense: tuple[Dense, ...] = Field(
        (),
        strict=False,
        max_length=32,
        description="Dense layers before the output. A number stands for a layer with so many units.",
    )
    activation: Activation = Field("relu", description="Activation of every block that names none.")
    dropout: Share = Field(0.0, description="Share of values dropped before the output layer while training.")
    l2: float = Field(
        0.0, ge=0, le=10, description="L2 penalty on the weights of convolutions and dense layers."
    )
    l1: float = Field(
        0.0, ge=0, le=10, description="L1 penalty on the same weights, which makes many of them nearly 0."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_blocks_with_a_backbone(cls, sent: Any) -> Any:
        if isinstance(sent, dict) and sent.get("backbone") is not None:
            return {"blocks": (), "global_pooling": "average", **sent}
        return sent

    @field_validator("blocks")
    @classmethod
    def _blocks_or_a_backbone(cls, blocks: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        has_backbone = info.data.get("backbone") is not None
        if has_backbone == bool(blocks) and "backbone" in info.data:
            message = "A backbone takes the place of blocks: leave one of them out"
            if not has_backbone:
                message = "Expected one block at least, or a backbone"
            raise PydanticCustomError("blocks_or_backbone", message)
        return blocks

    @field_validator("global_pooling")
    @classmethod
    def _average_with_a_backbone(cls, pooling: Pooling, info: ValidationInfo) -> Pooling:
        if info.data.get("backbone") is not None and pooling != "average":
            raise PydanticCustomError("wrong_pooling", "Expected `average`, which a backbone ends in")
        return pooling
