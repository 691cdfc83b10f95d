"""Roles: the parts of a network that are kept and served, each as a function of named tensors."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from models.forecasting import asked, is_forecast
from models.next_step import cut
from models.schema import InputSchema
from models.signature import Role, TensorSignature

Tensors = Mapping[str, tf.Tensor]
Arrays = Mapping[str, np.ndarray]

# What the one input of a predicting network is called, by the kind of its rows.
INPUT_NAMES = {"images": "image", "vectors": "vector", "sequences": "sequence", "text": "text"}
# The logit of what is never to be drawn: no infinity, which a temperature would turn into NaN.
NEVER = -1e9
PROBABILITIES, VALUES, ATTENTION = "probabilities", "values", "attention"


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
        return row_inputs(cut(tf.constant(rows))[0].numpy() if is_forecast(whole) else rows, source)

    return PlayedRole("predict", function, inputs, answered, examples)


def input_signature(source: InputSchema) -> tuple[TensorSignature, ...]:
    """Return the tensors that a row of the dataset is sent as."""
    if source.columns:
        names = [column.name for column in source.columns]
        return tuple(TensorSignature(name=name, dtype="float32", shape=()) for name in names)
    dtype = "int32" if source.kind == "text" else "float32"
    return (TensorSignature(name=INPUT_NAMES[source.kind], dtype=dtype, shape=source.shape),)


def row_inputs(rows: np.ndarray, source: InputSchema) -> dict[str, Any]:
    """Return rows, ``[n, *shape]``, as the tensors of :func:`input_signature`."""
    if source.columns:
        return {column.name: rows[:, place] for place, column in enumerate(source.columns)}
    return {INPUT_NAMES[source.kind]: rows}
