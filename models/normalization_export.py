"""Layer normalisation (Ba et al., 2016) as ONNX' own operator: one pass through memory instead of six."""

from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.marks import Call, Marks


def _marking(plain: Call, marks: Marks) -> Call:
    def call(layer: keras.Layer, inputs: Any) -> Any:
        if not (marks.are_ours() and _is_native(layer, inputs)):
            return plain(layer, inputs)
        # The values themselves: what is traced knows the variables only.
        with tf.init_scope():
            scale = np.ones(inputs.shape[-1], np.float32) if layer.gamma is None else layer.gamma.numpy()
            offset = np.zeros_like(scale) if layer.beta is None else layer.beta.numpy()
        write = partial(_write, [scale, offset], layer.epsilon)
        return marks.leave([inputs], inputs.shape, write)

    return call


MARKINGS = {keras.layers.LayerNormalization: _marking}
"""How layers of this kind are called while marks are left."""


def _is_native(layer: keras.Layer, inputs: Any) -> bool:
    """Return whether the operator does what the layer does: it goes along the last axis."""
    axes = {axis % inputs.shape.rank for axis in layer.axis}
    return axes == {inputs.shape.rank - 1} and layer.compute_dtype == "float32" and not layer.rms_scaling


def _write(weights: list[np.ndarray], epsilon: float, graph: Any, node: Any, name: str) -> None:
    constants = [
        graph.make_const(f"{name}_{what}", part).output[0]
        for what, part in zip(("scale", "offset"), weights, strict=True)
    ]
    (rows,), outputs = node.input, node.output
    told = {"shapes": [graph.get_shape(outputs[0])], "dtypes": [graph.get_dtype(outputs[0])]}
    graph.remove_node(name)
    attributes = {"axis": -1, "epsilon": epsilon}
    graph.make_node("LayerNormalization", [rows, *constants], attr=attributes, outputs=outputs, **told)
