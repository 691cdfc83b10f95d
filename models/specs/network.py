"""The specs of all families. A new family is one more member here and one more case where mypy asks."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Field

from models.specs.autoencoder import AutoencoderSpec
from models.specs.cnn import CnnSpec
from models.specs.mlp import MlpSpec
from models.specs.rnn import RnnSpec
from models.specs.text_generator import TextGeneratorSpec

AnyNetwork: TypeAlias = CnnSpec | MlpSpec | RnnSpec | AutoencoderSpec | TextGeneratorSpec
NetworkSpec: TypeAlias = Annotated[AnyNetwork, Field(discriminator="family")]

FAMILIES: Mapping[str, type[AnyNetwork]] = {
    "cnn": CnnSpec,
    "mlp": MlpSpec,
    "rnn": RnnSpec,
    "autoencoder": AutoencoderSpec,
    "text_generator": TextGeneratorSpec,
}
