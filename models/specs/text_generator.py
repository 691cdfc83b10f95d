"""The spec of a recurrent language model that writes text, token after token. Keras-free."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.dense import Share
from models.specs.spec import Spec

Units = Annotated[int, Field(ge=1, le=8192)]


class TextGeneratorSpec(Spec):
    """A language model of characters or words, as the dataset's tokens are: it predicts each next token."""

    family: Literal["text_generator"] = Field("text_generator", description="The family.")
    inputs: Literal["embedding", "one_hot"] = Field(
        "embedding", description="How tokens enter: as learnt vectors, or one-hot."
    )
    embedding_size: int = Field(64, ge=1, le=4096, description="Numbers of a token's learnt vector.")
    cell: Literal["lstm", "gru"] = Field("lstm", description="The recurrent cell.")
    units: tuple[Units, ...] = Field(
        (128,),
        strict=False,
        min_length=1,
        max_length=3,
        description="Units of each recurrent layer, in order.",
    )
    dropout: Share = Field(
        0.0, description="Share of each recurrent layer's output that is dropped while training."
    )
