"""Export of a network to ONNX, and the proof that the graph answers as the network did."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx

from models.evaluation import Predict

INPUT, OUTPUT = "image", "probabilities"
OPSET = 18
TOLERANCE = 1e-4
_STANDARD_DOMAINS = frozenset({"", "ai.onnx"})


class ExportFailed(Exception):
    """The network cannot be served: its graph is not the plain, self-contained ONNX that serving takes."""


@dataclass(frozen=True)
class Parity:
    """How far the graph's answers are from the network's: the largest difference of a probability."""

    max_difference: float
    rows: int
    tolerance: float
    passed: bool


def serving_function(network: keras.Model) -> Predict:
    """Return the network as it is served, without dropout or augmentation: arrays in, arrays out.

    Calling a network says less than it seems: its augmentation layers then still work at random.
    """
    function = _traced(network)

    def predict(rows: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = function(tf.constant(rows, tf.float32))[OUTPUT].numpy()
        return probabilities

    return predict


def export_onnx(network: keras.Model, path: Path) -> None:
    """Write the network as one ONNX graph: ``image`` in, ``probabilities`` out, any number of rows.

    Raises :class:`ExportFailed` where the graph would need anything beside standard operators.
    """
    function = _traced(network)
    graph, _ = tf2onnx.convert.from_function(
        function,
        input_signature=list(function.input_signature),
        opset=OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
    )
    _name_batch_axis(graph)
    check_graph(graph)
    onnx.save(graph, path)


def check_graph(graph: onnx.ModelProto) -> None:
    """Refuse a graph that is not whole in itself, or not of standard operators alone."""
    used = {node.domain for node in graph.graph.node}
    if not used <= _STANDARD_DOMAINS:
        raise ExportFailed(f"The graph uses operators of {sorted(used - _STANDARD_DOMAINS)}.")
    external = [tensor.name for tensor in graph.graph.initializer if tensor.external_data]
    if external or graph.functions:
        raise ExportFailed("The graph keeps weights or functions outside itself.")
    names = [value.name for value in (*graph.graph.input, *graph.graph.output)]
    if names != [INPUT, OUTPUT]:
        raise ExportFailed(f"The graph takes and gives {names}, not {INPUT} and {OUTPUT}.")
    onnx.checker.check_model(graph, full_check=True)


def parity(predict: Predict, path: Path, rows: np.ndarray) -> Parity:
    """Compare the graph at ``path`` on ``rows`` with ``predict``, a :func:`serving_function`.

    Rows go through the graph together and one alone, for a graph may have learnt the batch's size.
    """
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    expected = predict(rows)
    together = session.run([OUTPUT], {INPUT: rows})[0]
    alone = session.run([OUTPUT], {INPUT: rows[:1]})[0]
    differences = (np.abs(together - expected).max(), np.abs(alone - expected[:1]).max())
    largest = float(np.max(differences))
    # A difference that is NaN compares as false, and so fails.
    return Parity(largest, len(rows), TOLERANCE, passed=largest <= TOLERANCE)


def _traced(network: keras.Model) -> Any:
    shape = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32, name=INPUT)

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT: network(image, training=False)}

    return tf.function(serve, input_signature=[shape])


def _erfc(graph: Any, node: Any, name: str, _: list[Any]) -> None:
    """Write erfc(x), which gelu is made of and ONNX does not have, as 1 - erf(x)."""
    one = graph.make_const(f"{name}_one", np.float32(1.0)).output[0]
    erf = graph.make_node("Erf", node.input).output[0]
    graph.remove_node(name)
    graph.make_node("Sub", [one, erf], name=name, outputs=node.output)


def _name_batch_axis(graph: onnx.ModelProto) -> None:
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    standard = [each for each in graph.opset_import if each.domain in _STANDARD_DOMAINS]
    del graph.opset_import[:]
    graph.opset_import.extend(standard)
