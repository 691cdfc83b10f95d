"""The spec of a convolutional network that classifies images. Keras-free."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from models.specs.activations import Activation
from models.specs.dense import Dense, Share
from models.specs.spec import Spec

Pooling = Literal["none", "max", "average"]
Side = Annotated[int, Field(ge=1, le=2048)]


class ConvolutionBlock(Spec):
    """One convolution; then, where asked for, batch normalisation, activation, pooling and dropout."""

    filters: int = Field(ge=1, le=8192, description="Number of filters, the channels of the block's output.")
    kernel: int = Field(3, ge=1, le=63, description="Height and width of the kernel, in pixels.")
    stride: int = Field(1, ge=1, le=16, description="Step of the kernel, in pixels.")
    padding: Literal["same", "valid"] = Field(
        "same", description="`same` pads the border so that stride 1 keeps the size; `valid` does not pad."
    )
    activation: Activation | None = Field(None, description="Activation; null means the network's.")
    batch_normalization: bool = Field(
        False, description="Normalise each filter's output over the batch, before the activation."
    )
    pooling: Pooling = Field("none", description="Pooling after the activation.")
    pool_size: int = Field(2, ge=1, le=16, description="Height, width and step of the pooling, in pixels.")
    dropout: Share = Field(0.0, description="Share of the block's output that is dropped while training.")


def _filters(block: Any) -> Any:
    return {"filters": block} if isinstance(block, int) else block


Convolution = Annotated[
    ConvolutionBlock, BeforeValidator(_filters, json_schema_input_type=ConvolutionBlock | int)
]


class CnnSpec(Spec):
    """A convolutional network: scaling, resizing, convolution blocks, a dense head, class probabilities."""

    family: Literal["cnn"] = Field("cnn", description="The family.")
    scaling: Literal["unit", "none"] = Field(
        "unit", description="`unit` maps the dataset's range to 0..1 inside the network; `none` does not."
    )
    input_size: tuple[Side, Side] | None = Field(
        None,
        strict=False,
        description="Height and width that images are resized to inside the network; null keeps their size.",
    )
    blocks: tuple[Convolution, ...] = Field(
        (ConvolutionBlock(filters=32, pooling="max"), ConvolutionBlock(filters=64, pooling="max")),
        strict=False,
        min_length=1,
        max_length=64,
        description="Convolution blocks, in order. A number stands for a block with so many filters.",
    )
    global_pooling: Pooling = Field(
        "none",
        description="Reduce each channel to its maximum or average before the head; `none` flattens.",
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
