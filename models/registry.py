"""From a spec to its network: one case for each family, and a type error for a forgotten one."""

import keras

from models import cnn
from models.schema import InputSchema
from models.specs.cnn import CnnSpec
from models.specs.network import NetworkSpec


def build(spec: NetworkSpec, source: InputSchema, *, seed: int) -> keras.Model:
    """Return the network of a spec, with weights that the seed decides.

    It takes ``image``, ``float32[batch, *source.shape]`` in the dataset's own range, and answers
    ``probabilities``, ``float32[batch, classes]``. Sets the seeds of Python, NumPy and TensorFlow.
    """
    keras.utils.set_random_seed(seed)
    match spec:
        case CnnSpec():
            return cnn.build(spec, source)
