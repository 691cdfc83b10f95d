"""The spec of an autoencoder: a network that puts a row into a few numbers and back. Keras-free."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from models.specs.activations import Activation
from models.specs.dense import Dense, DenseBlock, Share
from models.specs.spec import Spec


class StageBlock(Spec):
    """One convolution that makes the picture smaller; the decoder has its mirror image."""

    filters: int = Field(ge=1, le=8192, description="Number of filters, the channels of the stage's output.")
    kernel: int = Field(3, ge=1, le=63, description="Height and width of the kernel, in pixels.")
    stride: int = Field(2, ge=1, le=8, description="Step of the kernel: height and width are divided by it.")
    batch_normalization: bool = Field(
        False, description="Normalise each filter's output over the batch, before the activation."
    )


def _filters(stage: Any) -> Any:
    return {"filters": stage} if isinstance(stage, int) else stage


Stage = Annotated[StageBlock, BeforeValidator(_filters, json_schema_input_type=StageBlock | int)]


class AutoencoderSpec(Spec):
    """An autoencoder: it learns to put rows into a few numbers and back, and finds rows unlike the others."""

    family: Literal["autoencoder"] = Field("autoencoder", description="The family.")
    scaling: Literal["unit", "standard", "none"] = Field(
        "unit",
        description="`unit`: 0..1 becomes of an image's range, or of mean ± 3 deviations of each number as "
        "seen in the training rows. `standard`: mean 0 and deviation 1, not for images. `none`: as they are.",
    )
    convolutions: tuple[Stage, ...] = Field(
        (),
        strict=False,
        max_length=16,
        description="Convolution stages, for images. A number stands for a stage with so many filters.",
    )
    dense: tuple[Dense, ...] = Field(
        (DenseBlock(units=128),),
        strict=False,
        max_length=32,
        description="Dense layers between the input, or the convolutions, and the codes; the decoder has "
        "them in reverse. A number stands for a layer with so many units.",
    )
    latent: int = Field(16, ge=1, le=65_536, description="Numbers that a row is put into.")
    latent_activation: Activation = Field("linear", description="Activation of the codes.")
    latent_dropout: Share = Field(0.0, description="Share of the codes that is dropped while training.")
    activation: Activation = Field("relu", description="Activation of every layer that names none.")
    output: Literal["sigmoid", "linear"] | None = Field(
        None, description="Activation of the reconstruction; null means sigmoid where values become 0..1."
    )
    loss: Literal["mse", "bce"] = Field(
        "mse", description="Mean squared error, or binary cross-entropy of values in 0..1."
    )
    noise: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Deviation of the noise that is added to the scaled inputs while training (denoising).",
    )
    sparsity: float = Field(
        0.0, ge=0, le=10, description="Penalty on the absolute values of the codes (a sparse autoencoder)."
    )
    l2: float = Field(0.0, ge=0, le=10, description="L2 penalty on the weights.")
    l1: float = Field(
        0.0, ge=0, le=10, description="L1 penalty on the same weights, which makes many of them nearly 0."
    )
    variational: bool = Field(
        False, description="Learn a distribution of codes, from which new rows can be drawn."
    )
    kl_weight: float = Field(
        1.0, ge=0, le=1000, description="Weight of the divergence from the normal distribution (variational)."
    )
    kl_warmup_epochs: float = Field(
        0.0, ge=0, le=10_000, description="Epochs in which that weight rises evenly from 0 (variational)."
    )
