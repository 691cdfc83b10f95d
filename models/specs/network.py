"""The specs of all families. A new family is one more member here and one more case where mypy asks."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Field

from models.specs.attention import AttentionSpec
from models.specs.autoencoder import AutoencoderSpec
from models.specs.cnn import CnnSpec
from models.specs.gan import GanSpec
from models.specs.layers.spec import LayersSpec
from models.specs.mlp import MlpSpec
from models.specs.rnn import RnnSpec
from models.specs.text_generator import TextGeneratorSpec

AnyNetwork: TypeAlias = (
    CnnSpec | MlpSpec | RnnSpec | AttentionSpec | AutoencoderSpec | GanSpec | TextGeneratorSpec | LayersSpec
)
NetworkSpec: TypeAlias = Annotated[AnyNetwork, Field(discriminator="family")]

FAMILIES: Mapping[str, type[AnyNetwork]] = {
    "cnn": CnnSpec,
    "mlp": MlpSpec,
    "rnn": RnnSpec,
    "attention": AttentionSpec,
    "autoencoder": AutoencoderSpec,
    "gan": GanSpec,
    "text_generator": TextGeneratorSpec,
    "layers": LayersSpec,
}
