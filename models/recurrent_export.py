"""Recurrent layers as ONNX' own operators LSTM, GRU and RNN: many times faster than loops of steps.

While a role is traced for export, recurrent layers leave a mark in the graph (``models.marks``) instead of a
loop. Padding is told by lengths: it must stand at the end, as it does in masks that compare places with a
length. Whatever the operators cannot do stays a loop.

Shapes: B rows, T steps, F features, U units, D directions, G gates.
"""

from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from models.marks import Call, Marks

_OPERATORS = {keras.layers.LSTM: "LSTM", keras.layers.GRU: "GRU", keras.layers.SimpleRNN: "RNN"}
# Keras: input, forget, candidate, output; ONNX: input, output, forget, candidate.
_LSTM_ORDER = (0, 3, 1, 2)


class _Recurrence(NamedTuple):
    """One operator: ``weights`` are its W ``[D, G * U, F]``, R ``[D, G * U, U]`` and B ``[D, 2 * G * U]``."""

    operator: str
    units: int
    both_ways: bool
    keeps_steps: bool
    weights: list[np.ndarray]


def _marking(loop: Call, marks: Marks) -> Call:
    def call(
        layer: keras.Layer, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False
    ) -> Any:
        if not (marks.are_ours() and initial_state is None and _is_native(layer, mask)):
            return loop(layer, sequences, initial_state=initial_state, mask=mask, training=training)
        inputs = [sequences]
        if mask is not None:
            inputs.append(tf.reduce_sum(tf.cast(mask, tf.int32), axis=1))
        shape = layer.compute_output_shape(sequences.shape)
        return marks.leave(inputs, shape, partial(_write, _recurrence(layer)))

    return call


MARKINGS = dict.fromkeys((*_OPERATORS, keras.layers.Bidirectional), _marking)
"""How layers of these kinds are called while marks are left."""


def _is_native(layer: keras.Layer, mask: Any) -> bool:
    """Return whether the operator does what the layer does."""
    if isinstance(layer, keras.layers.Bidirectional):
        forward, backward = layer.forward_layer, layer.backward_layer
        is_concatenated = layer.merge_mode == "concat" and backward.go_backwards
        return is_concatenated and _is_plain(forward, mask) and _is_plain(backward, mask)
    return not layer.go_backwards and _is_plain(layer, mask)


def _is_plain(layer: keras.Layer, mask: Any) -> bool:
    cell = layer.cell
    if type(layer) not in _OPERATORS or layer.stateful or layer.return_state or not cell.use_bias:
        return False
    if cell.activation is not keras.activations.tanh or layer.compute_dtype != "float32":
        return False
    if getattr(cell, "recurrent_activation", keras.activations.sigmoid) is not keras.activations.sigmoid:
        return False
    if not getattr(cell, "reset_after", True):
        return False
    if mask is None:
        return True
    # The operators answer 0 for padding, and the state after the last step that is none; a mask of another
    # make may have holes.
    return bool(layer.zero_output_for_mask == layer.return_sequences and mask.op.type == "LessEqual")


def _recurrence(layer: keras.Layer) -> _Recurrence:
    both_ways = isinstance(layer, keras.layers.Bidirectional)
    directions = [layer.forward_layer, layer.backward_layer] if both_ways else [layer]
    # The values themselves: what is traced knows the variables only.
    with tf.init_scope():
        weights = [np.stack(parts) for parts in zip(*map(_weights, directions), strict=True)]
    first = directions[0]
    return _Recurrence(
        _OPERATORS[type(first)], first.cell.units, both_ways, bool(first.return_sequences), weights
    )


def _weights(layer: keras.Layer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the operator's weights for one direction."""
    kernel, recurrent_kernel, bias = layer.get_weights()
    # A GRU has a bias for what comes in and one for its state; the others have but the first.
    biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    if isinstance(layer, keras.layers.LSTM):
        kernel, recurrent_kernel, biases = map(_in_order, (kernel, recurrent_kernel, biases))
    return kernel.T, recurrent_kernel.T, biases.reshape(-1)


def _in_order(part: np.ndarray) -> np.ndarray:
    gates = np.split(part, 4, axis=-1)
    return np.concatenate([gates[place] for place in _LSTM_ORDER], axis=-1)


def _write(found: _Recurrence, graph: Any, node: Any, name: str) -> None:
    """Write the operator in the place of a mark."""
    constants = [
        graph.make_const(f"{name}_{what}", part).output[0]
        for what, part in zip("WRB", found.weights, strict=True)
    ]
    attributes = {"hidden_size": found.units, "direction": "bidirectional" if found.both_ways else "forward"}
    if found.operator == "GRU":
        attributes["linear_before_reset"] = 1
    (rows, *lengths), outputs = node.input, node.output
    told = {
        "outputs": outputs,
        "shapes": [graph.get_shape(outputs[0])],
        "dtypes": [graph.get_dtype(outputs[0])],
    }
    graph.remove_node(name)
    by_time = graph.make_node("Transpose", [rows], attr={"perm": [1, 0, 2]}).output[0]  # [T, B, F]
    recurrent = graph.make_node(
        found.operator, [by_time, *constants, *(lengths or [""])], attr=attributes, output_count=2
    )
    steps, last = recurrent.output  # [T, D, B, U], [D, B, U]
    if found.both_ways:
        # The directions come side by side, behind the rows and the steps.
        answered, order = (steps, [2, 0, 1, 3]) if found.keeps_steps else (last, [1, 0, 2])
        turned = graph.make_node("Transpose", [answered], attr={"perm": order}).output[0]
        sizes = np.array([0] * (len(order) - 2) + [2 * found.units], np.int64)
        graph.make_node("Reshape", [turned, graph.make_const(f"{name}_sizes", sizes).output[0]], **told)
        return
    axis = graph.make_const(f"{name}_axis", np.array([int(found.keeps_steps)], np.int64)).output[0]
    if found.keeps_steps:
        squeezed = graph.make_node("Squeeze", [steps, axis]).output[0]
        graph.make_node("Transpose", [squeezed], attr={"perm": [1, 0, 2]}, **told)
    else:
        graph.make_node("Squeeze", [last, axis], **told)
