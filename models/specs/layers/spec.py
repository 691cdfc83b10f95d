"""The spec of a network that a user puts together from a closed list of layers. Keras-free."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from models.specs.layers.convolutions import Convolution, DepthwiseConvolution, SeparableConvolution
from models.specs.layers.dense import (
    Activated,
    Dense,
    Embedding,
    Flatten,
    LeakyRelu,
    Permute,
    Prelu,
    RepeatVector,
    Rescaling,
    Reshape,
    Softmax,
)
from models.specs.layers.merging import Concatenate, Elementwise
from models.specs.layers.normalization import (
    BatchNormalization,
    Dropout,
    GaussianNoise,
    GroupNormalization,
    LayerNormalization,
    SpatialDropout,
)
from models.specs.layers.pooling import GlobalPooling, Pooling
from models.specs.layers.recurrent import MultiHeadAttention, Recurrent
from models.specs.layers.resampling import Cropping, Resizing, UpSampling, ZeroPadding
from models.specs.spec import Spec

MOST_LAYERS = 200

AnyLayer: TypeAlias = (
    Activated
    | BatchNormalization
    | Concatenate
    | Convolution
    | Cropping
    | Dense
    | DepthwiseConvolution
    | Dropout
    | Elementwise
    | Embedding
    | Flatten
    | GaussianNoise
    | GlobalPooling
    | GroupNormalization
    | LayerNormalization
    | LeakyRelu
    | MultiHeadAttention
    | Permute
    | Pooling
    | Prelu
    | Recurrent
    | RepeatVector
    | Rescaling
    | Reshape
    | Resizing
    | SeparableConvolution
    | Softmax
    | SpatialDropout
    | UpSampling
    | ZeroPadding
)


class LayersSpec(Spec):
    """A user's own stack: layers in a row or in named branches, then the prediction, which is added."""

    family: Literal["layers"] = Field("layers", description="The family.")
    scaling: Literal["standard", "none"] = Field(
        "standard",
        description="`standard` gives each number mean 0 and deviation 1, as seen in the training rows; of "
        "images the range becomes 0..1. `none` takes numbers as they are. A missing number is taken as 0.",
    )
    layers: tuple[Annotated[AnyLayer, Field(discriminator="type")], ...] = Field(
        strict=False,
        min_length=1,
        max_length=MOST_LAYERS,
        description="The layers, in order; the last one gives the numbers that the prediction is made from.",
    )
    l2: float = Field(
        0.0,
        ge=0,
        le=10,
        description="L2 penalty on the kernels of dense, convolutional and recurrent layers.",
    )
    l1: float = Field(
        0.0, ge=0, le=10, description="L1 penalty on the same weights, which makes many of them nearly 0."
    )
