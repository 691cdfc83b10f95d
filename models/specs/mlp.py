"""The spec of a multi-layer perceptron: dense layers for vectors, tables and flattened images. Keras-free."""

from typing import Literal

from pydantic import Field

from models.specs.activations import Activation
from models.specs.dense import Dense, DenseBlock, Share
from models.specs.scaling import StandardScaling
from models.specs.spec import Spec


class MlpSpec(Spec):
    """A multi-layer perceptron: dense layers that predict from vectors, tables or images."""

    family: Literal["mlp"] = Field("mlp", description="The family.")
    scaling: StandardScaling = "standard"
    categories: Literal["embedding", "one_hot"] = Field(
        "embedding", description="How the categories of a table enter: as learnt vectors, or one-hot."
    )
    embedding_size: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Numbers of a category's vector; null means half as many as there are ids, 50 at most.",
    )
    dense: tuple[Dense, ...] = Field(
        (DenseBlock(units=64), DenseBlock(units=32)),
        strict=False,
        max_length=64,
        description="Dense layers, in order. A number stands for a layer with so many units.",
    )
    activation: Activation = Field("relu", description="Activation of every layer that names none.")
    dropout: Share = Field(0.0, description="Share of values dropped before the output layer while training.")
    l1: float = Field(0.0, ge=0, le=10, description="L1 penalty on the weights of dense layers.")
    l2: float = Field(0.0, ge=0, le=10, description="L2 penalty on the weights of dense layers.")
