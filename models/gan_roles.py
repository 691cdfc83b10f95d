"""What a trained adversarial network can be asked: rows made up from latents. The discriminator stays."""

import keras
import numpy as np

from models.asking import Arrays
from models.roles import PlayedRole, Tensors
from models.schema import InputSchema
from models.signature import TensorSignature
from models.specs.gan import GanSpec
from models.tensor_names import LABEL, LATENT, SAMPLE

_EXAMPLE_SEED = 0


def gan_roles(spec: GanSpec, network: keras.Model, source: InputSchema) -> tuple[PlayedRole, ...]:
    """Return the role ``sample``; a conditional network takes the class too."""
    generator, unscaling = network.get_layer("generator"), network.get_layer("unscaling")
    inputs = [TensorSignature(name=LATENT, dtype="float32", shape=(spec.latent,))]
    if spec.conditional:
        inputs.append(TensorSignature(name=LABEL, dtype="int32", shape=()))
    output = TensorSignature(name=SAMPLE, dtype="float32", shape=source.shape)

    def function(tensors: Tensors) -> Tensors:
        given = [tensors[tensor.name] for tensor in inputs]
        made = generator(given if spec.conditional else given[0], training=False)
        return {SAMPLE: unscaling(made)}

    def examples(rows: np.ndarray) -> Arrays:
        latents = np.random.default_rng(_EXAMPLE_SEED).standard_normal((len(rows), spec.latent), np.float32)
        labels = np.arange(len(rows), dtype=np.int32) % (source.classes or 1)
        return {LATENT: latents, LABEL: labels} if spec.conditional else {LATENT: latents}

    return (PlayedRole("sample", function, tuple(inputs), (output,), examples),)
