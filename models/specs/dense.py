"""The spec of one fully connected layer, which many families have. Keras-free."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.specs.activations import Activation
from models.specs.spec import Spec

Share = Annotated[float, Field(ge=0, lt=1)]


class DenseBlock(Spec):
    """One fully connected layer of the head."""

    units: int = Field(ge=1, le=65_536, description="Number of units.")
    activation: Activation | None = Field(None, description="Activation; null means the network's.")
    batch_normalization: bool = Field(
        False, description="Normalise each unit's output over the batch, before the activation."
    )
    dropout: Share = Field(0.0, description="Share of the layer's output that is dropped while training.")


def _units(block: Any) -> Any:
    return {"units": block} if isinstance(block, int) else block


Dense = Annotated[DenseBlock, BeforeValidator(_units, json_schema_input_type=DenseBlock | int)]
