"""Roles: the parts of a network that are kept and served, each as a function of named tensors."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from models.asking import Arrays, input_signature, questions
from models.forecasting import asked
from models.schema import InputSchema
from models.signature import Role, TensorSignature
from models.tensor_names import ATTENTION, PROBABILITIES, VALUES

Tensors = Mapping[str, tf.Tensor]


class PlayedRole(NamedTuple):
    """One role: ``function`` from the inputs, by name, with a batch axis, to the outputs, without randomness.

    ``examples`` makes inputs from some rows of the dataset, ``[n, *shape]`` as a network takes them: these
    rows show that the exported graph answers alike.
    """

    name: Role
    function: Callable[[Tensors], Tensors]
    inputs: tuple[TensorSignature, ...]
    outputs: tuple[TensorSignature, ...]
    examples: Callable[[np.ndarray], Arrays]


def predict_role(network: keras.Model, source: InputSchema) -> PlayedRole:
    """Return the role ``predict`` of a network that answers with classes or values, attention if it has any.

    A table has one input for each column; the network takes them side by side. A forecast is asked for by the
    steps before it.
    """
    source, whole = asked(source), source
    outputs = [PROBABILITIES if source.classes else VALUES, ATTENTION][: len(network.outputs)]
    shapes = [tuple(output.shape[1:]) for output in network.outputs]
    answered = tuple(
        TensorSignature(name=name, dtype="float32", shape=shape)
        for name, shape in zip(outputs, shapes, strict=True)
    )
    inputs = input_signature(source)

    def function(tensors: Tensors) -> Tensors:
        rows = [tensors[tensor.name] for tensor in inputs]
        answers = network(tf.stack(rows, axis=1) if source.columns else rows[0], training=False)
        return dict(zip(outputs, answers if len(outputs) > 1 else [answers], strict=True))

    def examples(rows: np.ndarray) -> Arrays:
        return questions(rows, whole)

    return PlayedRole("predict", function, inputs, answered, examples)
