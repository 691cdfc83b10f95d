"""From a spec to its network and to how that learns: one case for each family, and mypy asks for it."""

from typing import assert_never

import keras

from models import attention, autoencoder, cnn, gan, mlp, rnn, stack, text_generator
from models.adversarial import adversarial
from models.autoencoder_roles import autoencoder_roles
from models.gan_roles import gan_roles
from models.lesson import Lesson
from models.objectives import predicting
from models.reconstructing import reconstructing
from models.roles import PlayedRole, predict_role
from models.schema import InputSchema
from models.specs.attention import AttentionSpec
from models.specs.autoencoder import AutoencoderSpec
from models.specs.cnn import CnnSpec
from models.specs.gan import GanSpec
from models.specs.layers.spec import LayersSpec
from models.specs.mlp import MlpSpec
from models.specs.network import NetworkSpec
from models.specs.rnn import RnnSpec
from models.specs.text_generator import TextGeneratorSpec
from models.statistics import Statistics, neutral
from models.step import Learning


def build(
    spec: NetworkSpec, source: InputSchema, statistics: Statistics | None = None, *, seed: int
) -> keras.Model:
    """Return the network of a spec, with weights that the seed decides.

    It takes rows of the dataset, ``[batch, *source.shape]`` in the dataset's own range: float32, of texts
    int32. ``statistics`` are those of the training rows. Sets the seeds of Python, NumPy and TensorFlow.
    """
    keras.utils.set_random_seed(seed)
    statistics = statistics or neutral(source)
    match spec:
        case CnnSpec():
            return cnn.build(spec, source, statistics)
        case MlpSpec():
            return mlp.build(spec, source, statistics)
        case RnnSpec():
            return rnn.build(spec, source, statistics)
        case AttentionSpec():
            return attention.build(spec, source, statistics)
        case AutoencoderSpec():
            return autoencoder.build(spec, source, statistics)
        case GanSpec():
            return gan.build(spec, source, statistics)
        case TextGeneratorSpec():
            return text_generator.build(spec, source)
        case LayersSpec():
            return stack.build(spec, source, statistics)
        case _:
            assert_never(spec)


def learning_of(spec: NetworkSpec, lesson: Lesson) -> Learning:
    """Return how a network of this family learns."""
    match spec:
        case CnnSpec() | MlpSpec() | RnnSpec() | AttentionSpec() | LayersSpec():
            return predicting(lesson)
        case AutoencoderSpec():
            return reconstructing(spec, lesson)
        case GanSpec():
            return adversarial(spec, lesson)
        case TextGeneratorSpec():
            return text_generator.predicting_tokens(lesson)
        case _:
            assert_never(spec)


def roles_of(spec: NetworkSpec, network: keras.Model, source: InputSchema) -> tuple[PlayedRole, ...]:
    """Return what a trained network of this family can be asked."""
    match spec:
        case CnnSpec() | MlpSpec() | RnnSpec() | AttentionSpec() | LayersSpec():
            return (predict_role(network, source),)
        case AutoencoderSpec():
            return autoencoder_roles(spec, network, source)
        case GanSpec():
            return gan_roles(spec, network, source)
        case TextGeneratorSpec():
            return (text_generator.step_role(spec, network),)
        case _:
            assert_never(spec)
