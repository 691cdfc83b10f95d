"""What a network is for: it follows from the family and from the targets of the rows. Keras-free."""

from typing import assert_never

from models.forecasting import is_forecast
from models.schema import InputSchema
from models.signature import Task
from models.specs.attention import AttentionSpec
from models.specs.autoencoder import AutoencoderSpec
from models.specs.cnn import CnnSpec
from models.specs.gan import GanSpec
from models.specs.layers.spec import LayersSpec
from models.specs.mlp import MlpSpec
from models.specs.network import NetworkSpec
from models.specs.rnn import RnnSpec
from models.specs.text_generator import TextGeneratorSpec


def task_of(spec: NetworkSpec, source: InputSchema) -> Task:
    """Return the task of a network of this spec for these rows."""
    match spec:
        case CnnSpec() | MlpSpec() | RnnSpec() | AttentionSpec() | LayersSpec():
            if is_forecast(source):
                return "forecasting"
            return "classification" if source.classes else "regression"
        case AutoencoderSpec():
            return "reconstruction"
        case GanSpec():
            return "sampling"
        case TextGeneratorSpec():
            return "generation"
        case _:
            assert_never(spec)
