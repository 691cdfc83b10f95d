"""Export of a role to ONNX, and the proof that the graph answers as the network did."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from models import normalization_export, recurrent_export
from models.asking import Arrays, Serve
from models.graph_rewriting import transpose_convolutions
from models.marks import native_operators
from models.onnx_runtime import onnxruntime
from models.roles import PlayedRole
from models.signature import TensorSignature
from models.tensor_names import NEVER

OPSET = 18
# Of the output's scale.
TOLERANCE = 1e-4
_STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
_MARKINGS = recurrent_export.MARKINGS | normalization_export.MARKINGS


class ExportFailed(Exception):
    """The network cannot be served: its graph is not the plain, self-contained ONNX that serving takes."""


@dataclass(frozen=True)
class Parity:
    """How far the graph's answers are from the network's: the largest difference, of the output's scale."""

    max_difference: float
    rows: int
    tolerance: float
    passed: bool


def serving_function(role: PlayedRole) -> Serve:
    """Return the role as it is served, without dropout or augmentation: arrays in, arrays out.

    Calling a network says less than it seems: its augmentation layers then still work at random.
    """
    function = _traced(role)

    def serve(inputs: Arrays) -> dict[str, np.ndarray]:
        tensors = [tf.constant(inputs[tensor.name], tensor.dtype) for tensor in role.inputs]
        answers = function(*tensors)
        return {tensor.name: answers[_OUTPUT.format(n)].numpy() for n, tensor in enumerate(role.outputs)}

    return serve


def export_onnx(role: PlayedRole, path: Path) -> None:
    """Write a role as one ONNX graph with the names of its signature, for any number of rows.

    Raises :class:`ExportFailed` where the graph would need anything beside standard operators.
    """
    function = _traced(role)
    with native_operators(_MARKINGS) as handlers:
        graph, _ = tf2onnx.convert.from_function(
            function,
            input_signature=list(function.input_signature),
            opset=OPSET,
            custom_op_handlers={"Erfc": (_erfc, []), **handlers},
        )
    transpose_convolutions(graph.graph)
    _rename(graph.graph, _names(role))
    _name_batch_axis(graph)
    check_graph(graph, role)
    onnx.save(graph, path)


def check_graph(graph: onnx.ModelProto, role: PlayedRole) -> None:
    """Refuse a graph that is not whole in itself, or not of standard operators alone."""
    used = {node.domain for node in graph.graph.node}
    if not used <= _STANDARD_DOMAINS:
        raise ExportFailed(f"The graph uses operators of {sorted(used - _STANDARD_DOMAINS)}.")
    external = [tensor.name for tensor in graph.graph.initializer if tensor.external_data]
    if external or graph.functions:
        raise ExportFailed("The graph keeps weights or functions outside itself.")
    for values, expected in ((graph.graph.input, role.inputs), (graph.graph.output, role.outputs)):
        found = {value.name for value in values}
        if found != {tensor.name for tensor in expected}:
            raise ExportFailed(
                f"The graph has {sorted(found)}, not {sorted(tensor.name for tensor in expected)}."
            )
    onnx.checker.check_model(graph, full_check=True)


def parity(role: PlayedRole, serve: Serve, path: Path, inputs: Arrays) -> Parity:
    """Compare the graph at ``path`` with ``serve``, the :func:`serving_function`, on ``inputs``.

    Rows go through the graph together and one alone, for a graph may have learnt the batch's size.
    """
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in role.outputs]
    inputs = {tensor.name: np.asarray(inputs[tensor.name], tensor.dtype) for tensor in role.inputs}
    expected = serve(inputs)
    count = len(next(iter(inputs.values())))
    differences = [0.0]
    for rows in (slice(0, count), slice(0, 1)):
        answers = session.run(names, {name: array[rows] for name, array in inputs.items()})
        for name, found in zip(names, answers, strict=True):
            drawn = expected[name][expected[name] > NEVER]
            scale = max(1.0, float(np.abs(drawn).max(initial=0.0)))
            differences.append(float(np.abs(found - expected[name][rows]).max(initial=0.0)) / scale)
    # NaN must not be lost among the others; where it is, the comparison is false, and so fails.
    largest = float(np.max(differences))
    return Parity(largest, count, TOLERANCE, passed=largest <= TOLERANCE)


# TensorFlow takes few characters in names, a table's columns any: the graph gets its names afterwards.
_INPUT, _OUTPUT = "keraforge_input_{}", "keraforge_output_{}"


def _traced(role: PlayedRole) -> Any:
    signature = [
        tf.TensorSpec([None, *tensor.shape], tensor.dtype, name=_INPUT.format(n))
        for n, tensor in enumerate(role.inputs)
    ]

    def play(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = {tensor.name: value for tensor, value in zip(role.inputs, tensors, strict=True)}
        answers = role.function(inputs)
        # An output that is an input, or another output, would lose its name.
        return {_OUTPUT.format(n): tf.identity(answers[out.name]) for n, out in enumerate(role.outputs)}

    return tf.function(play, input_signature=signature, autograph=False)


def _names(role: PlayedRole) -> dict[str, str]:
    def renamed(pattern: str, tensors: tuple[TensorSignature, ...]) -> dict[str, str]:
        return {pattern.format(n): tensor.name for n, tensor in enumerate(tensors)}

    return renamed(_INPUT, role.inputs) | renamed(_OUTPUT, role.outputs)


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename inputs and outputs; a tensor inside that has such a name already gives way."""
    inner = {name for node in graph.node for name in node.output} | {each.name for each in graph.initializer}
    wanted = dict(names) | {name: f"inner/{name}" for name in inner & set(names.values())}
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = wanted.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [wanted.get(name, name) for name in node.input]
        node.output[:] = [wanted.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)


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
