"""The spec of one recurrent layer, and of what becomes of the steps of time. Keras-free."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from models.specs.dense import Share
from models.specs.spec import Spec

Cell = Literal["lstm", "gru", "simple"]
Pooling = Literal["last", "average", "max"]


class RecurrentLayer(Spec):
    """One layer that walks along the steps and keeps a state."""

    units: int = Field(ge=1, le=4096, description="Numbers of the state; both directions have as many.")
    bidirectional: bool = Field(
        False, description="Walk both ways and put what is found side by side: twice as many outputs."
    )
    dropout: Share = Field(0.0, description="Share of the layer's inputs dropped while training.")
    recurrent_dropout: Share = Field(
        0.0, description="Share of the state dropped on its way to the next step while training."
    )


def _units(layer: Any) -> Any:
    return {"units": layer} if isinstance(layer, int) else layer


Recurrent = Annotated[RecurrentLayer, BeforeValidator(_units, json_schema_input_type=RecurrentLayer | int)]
