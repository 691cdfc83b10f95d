"""All that changes while a network is trained, as one value; between two chunks there is nothing else."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

# Up to here the trainable weights are one vector, so that an optimizer's update is a few operations instead
# of a few for each layer; beyond, copying them into one costs more than it saves.
FLAT_PARAMETERS = 100_000


Tensors = list[tf.Tensor]


class State(NamedTuple):
    """``step`` counts from 0; ``weights``: trainable, packed; ``others``: the network's other variables,
    seeds included; ``slots``: what the optimizer keeps; ``augmentation``: the augmenter's variables;
    ``factor``: what the learning rate is multiplied by, since validation has stopped improving.
    """

    step: tf.Tensor
    weights: list[tf.Tensor]
    others: list[tf.Tensor]
    slots: list[list[tf.Tensor]]
    augmentation: list[tf.Tensor]
    factor: tf.Tensor


class Packing:
    """How trainable variables are packed into ``State.weights``: each group of them alone, one after another.

    A network has one group; players that learn against each other have one each.
    """

    def __init__(self, *groups: Sequence[keras.Variable]) -> None:
        self._shapes = [[tuple(variable.shape) for variable in group] for group in groups]
        self._sizes = [[tf.TensorShape(shape).num_elements() for shape in group] for group in self._shapes]
        self._flat = [sum(sizes) <= FLAT_PARAMETERS for sizes in self._sizes]

    def pack(self, weights: Sequence[tf.Tensor]) -> Tensors:
        """Return the weights of all groups as they are kept in a state."""
        packed: Tensors = []
        rest = list(weights)
        for shapes, is_flat in zip(self._shapes, self._flat, strict=True):
            group, rest = rest[: len(shapes)], rest[len(shapes) :]
            packed += [tf.concat([tf.reshape(weight, [-1]) for weight in group], 0)] if is_flat else group
        return packed

    def groups(self, packed: Sequence[tf.Tensor]) -> list[Tensors]:
        """Return the packed weights, or whatever stands beside each of them, by group."""
        found, rest = [], list(packed)
        for shapes, is_flat in zip(self._shapes, self._flat, strict=True):
            count = 1 if is_flat else len(shapes)
            found.append(rest[:count])
            rest = rest[count:]
        return found

    def unpack_group(self, number: int, packed: Sequence[tf.Tensor]) -> Tensors:
        """Return the weights of one group, packed, in the shapes of its variables."""
        if not self._flat[number]:
            return list(packed)
        parts = tf.split(packed[0], self._sizes[number])
        return [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes[number], strict=True)]

    def unpack(self, packed: Sequence[tf.Tensor]) -> Tensors:
        """Return the weights of all groups in the shapes of their variables."""
        groups = enumerate(self.groups(packed))
        return [weight for number, group in groups for weight in self.unpack_group(number, group)]


def values_of(variables: list[keras.Variable]) -> list[tf.Tensor]:
    """Return copies of the present values of variables."""
    return [tf.identity(variable.value) for variable in variables]


def signature_of(state: State) -> State:
    """Return the types of a state's tensors, as a traced function wants them."""
    return tf.nest.map_structure(lambda value: tf.TensorSpec(value.shape, value.dtype), state)  # type: ignore[no-any-return]
