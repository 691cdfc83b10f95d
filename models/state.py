"""All that changes while a network is trained, as one value; between two chunks there is nothing else."""

from typing import NamedTuple

import keras
import tensorflow as tf

# Up to here the trainable weights are one vector, so that an optimizer's update is a few operations instead
# of a few for each layer; beyond, copying them into one costs more than it saves.
FLAT_PARAMETERS = 2_000_000


class State(NamedTuple):
    """``step`` counts from 0; ``weights``: trainable, packed; ``others``: the network's other variables,
    seeds included; ``slots``: what the optimizer keeps; ``augmentation``: the augmenter's variables.
    """

    step: tf.Tensor
    weights: list[tf.Tensor]
    others: list[tf.Tensor]
    slots: list[list[tf.Tensor]]
    augmentation: list[tf.Tensor]


class Packing:
    """How the trainable weights of a network are packed into ``State.weights``."""

    def __init__(self, network: keras.Model) -> None:
        self._shapes = [tuple(variable.shape) for variable in network.trainable_variables]
        self._sizes = [tf.TensorShape(shape).num_elements() for shape in self._shapes]
        self.is_flat = sum(self._sizes) <= FLAT_PARAMETERS

    def pack(self, weights: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the weights as they are kept in a state."""
        if not self.is_flat:
            return list(weights)
        return [tf.concat([tf.reshape(weight, [-1]) for weight in weights], 0)]

    def unpack(self, packed: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the weights in the network's own shapes."""
        if not self.is_flat:
            return list(packed)
        parts = tf.split(packed[0], self._sizes)
        return [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]


def values_of(variables: list[keras.Variable]) -> list[tf.Tensor]:
    """Return copies of the present values of variables."""
    return [tf.identity(variable.value) for variable in variables]


def signature_of(state: State) -> State:
    """Return the types of a state's tensors, as a traced function wants them."""
    return tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), state)  # type: ignore[no-any-return]
