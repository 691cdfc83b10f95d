"""The spec of a network with attention over the steps of sequences or texts. Keras-free."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.activations import Activation
from models.specs.dense import Dense, Share
from models.specs.recurrent import Cell, Recurrent
from models.specs.scaling import StandardScaling
from models.specs.spec import Spec


class SelfAttention(Spec):
    """Every step looks at every other (Vaswani et al., 2017)."""

    name: Literal["self"] = Field(description="The kind of attention.")
    heads: int = Field(4, ge=1, le=64, description="How many ways of looking there are.")
    head_size: int | None = Field(
        None, ge=1, le=1024, description="Numbers of each head; null shares the width of a step among them."
    )
    residual: bool = Field(
        True, description="Add what was seen to the step itself and normalise, as a transformer does."
    )
    feed_forward: int = Field(
        0,
        ge=0,
        le=65_536,
        description="Units of the two dense layers that follow in a transformer; 0 leaves them out.",
    )
    dropout: Share = Field(0.0, description="Share dropped of weights and of outputs while training.")


class GatedAttention(Spec):
    """Each step is multiplied by its weight: the softmax over time of v · tanh(W · step)."""

    name: Literal["gated"] = Field(description="The kind of attention.")
    units: int = Field(64, ge=1, le=4096, description="Length of v.")
    rescaled: bool = Field(
        True,
        description="Multiply steps by their weight times the number of steps, so that equal weights change "
        "nothing. `false` is the form that textbooks print: steps of a long row become small.",
    )


AttentionLayer = Annotated[SelfAttention | GatedAttention, Field(discriminator="name")]


class AttentionSpec(Spec):
    """A network that weighs the steps of sequences, texts or images, and answers the weights too."""

    family: Literal["attention"] = Field("attention", description="The family.")
    scaling: StandardScaling = "standard"
    embedding_size: int = Field(
        64, ge=1, le=4096, description="Width of a step: of a token's learnt vector, or of its projection."
    )
    positions: bool = Field(
        False, description="Add a learnt vector for each place in time, without which order is not seen."
    )
    attention: tuple[AttentionLayer, ...] = Field(
        (GatedAttention(name="gated"),),
        strict=False,
        min_length=1,
        max_length=32,
        description="Layers of attention, in order; the weights of the last one are answered.",
    )
    cell: Cell = Field("lstm", description="What every recurrent layer is made of.")
    recurrent: tuple[Recurrent, ...] = Field(
        (),
        strict=False,
        max_length=16,
        description="Recurrent layers after the attention. A number stands for a layer with so many units.",
    )
    pooling: Literal["last", "average", "max", "sum"] = Field(
        "average", description="What becomes of the steps; padding never counts."
    )
    dense: tuple[Dense, ...] = Field(
        (),
        strict=False,
        max_length=32,
        description="Dense layers before the output. A number stands for a layer with so many units.",
    )
    activation: Activation = Field("relu", description="Activation of every dense layer that names none.")
    dropout: Share = Field(0.0, description="Share of values dropped before the output layer while training.")
    l2: float = Field(
        0.0, ge=0, le=10, description="L2 penalty on the kernels of recurrent and dense layers."
    )
    l1: float = Field(
        0.0, ge=0, le=10, description="L1 penalty on the same weights, which makes many of them nearly 0."
    )
