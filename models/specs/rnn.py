"""The spec of a recurrent network for sequences, texts, and images read row by row. Keras-free."""

from typing import Literal

from pydantic import Field

from models.specs.activations import Activation
from models.specs.dense import Dense, Share
from models.specs.recurrent import Cell, Pooling, Recurrent, RecurrentLayer
from models.specs.scaling import StandardScaling
from models.specs.spec import Spec


class RnnSpec(Spec):
    """A recurrent network that predicts from sequences or texts, or the next step of a sequence."""

    family: Literal["rnn"] = Field("rnn", description="The family.")
    scaling: StandardScaling = "standard"
    embedding_size: int = Field(
        64, ge=1, le=4096, description="Numbers of the learnt vector of each token, of texts."
    )
    cell: Cell = Field("lstm", description="What every layer is made of.")
    layers: tuple[Recurrent, ...] = Field(
        (RecurrentLayer(units=64),),
        strict=False,
        min_length=1,
        max_length=16,
        description="Recurrent layers, in order. A number stands for a layer with so many units.",
    )
    pooling: Pooling = Field(
        "last",
        description="What goes on of the last layer's steps: the state after the last one, or the average or "
        "maximum over time. Padding never counts.",
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
