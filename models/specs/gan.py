"""The spec of a generative adversarial network: two players, of which one makes rows up. Keras-free."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.activations import Activation
from models.specs.dense import Share
from models.specs.optimizers import Optimizer
from models.specs.spec import Spec

Units = Annotated[int, Field(ge=1, le=65_536)]
Filters = Annotated[int, Field(ge=1, le=8192)]


class GanSpec(Spec):
    """A generative adversarial network: one player makes rows up, the other tells them from real ones."""

    family: Literal["gan"] = Field("gan", description="The family.")
    latent: int = Field(100, ge=1, le=65_536, description="Random numbers that a row is made from.")
    conditional: bool = Field(False, description="Make rows of a class that is asked for.")
    filters: tuple[Filters, ...] = Field(
        (),
        strict=False,
        max_length=8,
        description="Filters of the discriminator's convolutions, each of which halves the image; the "
        "generator has them in reverse. Empty: both players have dense layers only.",
    )
    kernel: int = Field(4, ge=2, le=31, description="Height and width of the kernels, in pixels.")
    generator: tuple[Units, ...] = Field(
        (), strict=False, max_length=32, description="Units of the generator's dense layers, in order."
    )
    discriminator: tuple[Units, ...] = Field(
        (), strict=False, max_length=32, description="Units of the discriminator's dense layers, in order."
    )
    activation: Activation = Field("leaky_relu", description="Activation of every layer but the last ones.")
    bias: bool = Field(True, description="Biases in every layer but the discriminator's last, which has one.")
    batch_normalization: bool = Field(
        False, description="Normalise over the batch in the generator, before each activation."
    )
    dropout: Share = Field(0.0, description="Share of each layer of the discriminator dropped in training.")
    loss: Literal["bce", "wgan_gp", "hinge"] = Field(
        "bce",
        description="`bce`: real, yes or no; `wgan_gp`: a distance, with a penalty on gradients; `hinge`.",
    )
    gradient_penalty: float = Field(10.0, ge=0, le=1000, description="Weight of the penalty (`wgan_gp`).")
    label_smoothing: float = Field(
        0.0, ge=0, le=0.5, description="By how much less than certain real rows are to be known (`bce`)."
    )
    critic_steps: int = Field(
        1, ge=1, le=100, description="Steps of the discriminator for each step of the generator."
    )
    generator_optimizer: Optimizer | None = Field(
        None, description="Optimizer of the generator; null means that of the training."
    )
    discriminator_optimizer: Optimizer | None = Field(
        None, description="Optimizer of the discriminator; null means that of the training."
    )
