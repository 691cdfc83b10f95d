import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf

from models.export import Parity, export_onnx, parity, serving_function
from models.marks import native_operators
from models.presets import PRESETS, resolve
from models.recurrent_export import MARKINGS
from models.registry import build, roles_of
from models.roles import PlayedRole
from models.schema import InputSchema
from models.signature import TensorSignature
from models.specs.rnn import RnnSpec

RECURRENT = {"LSTM", "GRU", "RNN"}
LOOPS = {"Loop", "Scan", "If"}
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "simple": "RNN"}
STEPS = InputSchema(kind="sequences", shape=(7, 3), classes=4)
PADDED = STEPS.model_copy(update={"variable_length": True})
TEXT = InputSchema(shape=(7,), vocabulary=30, classes=4)
LENGTHS = [7, 1, 4, 6, 2]
PLAIN, BOTH = {"units": 5}, {"units": 4, "bidirectional": True}


def rows_of(source: InputSchema, lengths: list[int]) -> np.ndarray:
    """One row for each length, padded at the end; every number differs."""
    generator = np.random.default_rng(1)
    rows: np.ndarray
    if source.kind == "text":
        rows = generator.integers(2, source.vocabulary or 3, (len(lengths), *source.shape)).astype(np.int32)
    else:
        rows = generator.normal(size=(len(lengths), *source.shape)).astype(np.float32)
    for row, length in zip(rows, lengths, strict=True):
        row[length:] = 0 if source.kind == "text" else np.nan
    return rows


def stirred(network: keras.Model) -> keras.Model:
    """Biases begin at 0, where their order would not show."""
    generator = np.random.default_rng(2)
    network.set_weights([generator.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def operators_of(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


def exported(role: PlayedRole, rows: np.ndarray, folder: Path) -> tuple[set[str], Parity]:
    path = folder / "graph.onnx"
    export_onnx(role, path)
    return operators_of(path), parity(role, serving_function(role), path, role.examples(rows))


@pytest.mark.parametrize(
    ("layers", "pooling"),
    [([BOTH], "last"), ([PLAIN, BOTH, PLAIN], "last"), ([PLAIN, BOTH], "max")],
    ids=["both ways", "three", "over time"],
)
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple"])
def test_padded_rows_are_answered_alike_without_loops(
    cell: str, layers: list[dict[str, Any]], pooling: str, tmp_path: Path
) -> None:
    spec = RnnSpec.model_validate({"cell": cell, "layers": layers, "pooling": pooling})
    (role,) = roles_of(spec, stirred(build(spec, PADDED, seed=1)), PADDED)
    operators, proof = exported(role, rows_of(PADDED, LENGTHS), tmp_path)
    assert operators & (RECURRENT | LOOPS) == {OPERATORS[cell]}
    assert proof.max_difference < 1e-5


@pytest.mark.parametrize("source", [STEPS, TEXT], ids=["steps", "text"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple"])
def test_whole_rows_and_texts_are_answered_alike_without_loops(
    cell: str, source: InputSchema, tmp_path: Path
) -> None:
    spec = RnnSpec.model_validate({"cell": cell, "layers": [BOTH, PLAIN], "embedding_size": 6})
    (role,) = roles_of(spec, stirred(build(spec, source, seed=1)), source)
    lengths = [7] * 3 if source is STEPS else LENGTHS
    operators, proof = exported(role, rows_of(source, lengths), tmp_path)
    assert operators & (RECURRENT | LOOPS) == {OPERATORS[cell]}
    assert proof.max_difference < 1e-5


def test_missing_numbers_are_none_in_the_graph_either(tmp_path: Path) -> None:
    spec = RnnSpec.model_validate({"scaling": "none", "layers": [PLAIN]})
    (role,) = roles_of(spec, stirred(build(spec, PADDED, seed=1)), PADDED)
    rows = rows_of(PADDED, LENGTHS)
    rows[0, 2, 1] = np.nan
    assert exported(role, rows, tmp_path)[1].passed


WALKING = [name for name, each in PRESETS.items() if each.family in ("rnn", "attention", "text_generator")]


@pytest.mark.parametrize("preset", WALKING)
def test_no_preset_has_a_loop_in_its_graph(preset: str, tmp_path: Path) -> None:
    spec = resolve({"preset": preset}, None, TEXT).network
    for role in roles_of(spec, build(spec, TEXT, seed=1), TEXT):
        export_onnx(role, tmp_path / "graph.onnx")
        assert not operators_of(tmp_path / "graph.onnx") & LOOPS


def layer_role(layer: keras.Layer, mask: keras.Layer | None = None) -> PlayedRole:
    rows = keras.Input((7, 3))
    masked = mask(rows) if mask else rows
    network = stirred(keras.Model(rows, layer(masked)))
    shape = tuple(network.output.shape[1:])
    return PlayedRole(
        "predict",
        lambda tensors: {"values": network(tensors["sequence"], training=False)},
        (TensorSignature(name="sequence", dtype="float32", shape=(7, 3)),),
        (TensorSignature(name="values", dtype="float32", shape=shape),),
        lambda rows: {"sequence": rows},
    )


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.LSTM(4, recurrent_activation="hard_sigmoid"),
        keras.layers.LSTM(4, activation="relu"),
        keras.layers.LSTM(4, go_backwards=True),
        keras.layers.GRU(4, reset_after=False),
        keras.layers.SimpleRNN(4, use_bias=False),
        keras.layers.Bidirectional(keras.layers.GRU(4), merge_mode="sum"),
    ],
    ids=lambda layer: layer.name,
)
def test_what_the_operators_cannot_do_is_answered_alike_all_the_same(
    layer: keras.Layer, tmp_path: Path
) -> None:
    _, proof = exported(layer_role(layer), rows_of(STEPS, [7] * 3), tmp_path)
    assert proof.passed


def test_a_mask_with_holes_is_answered_alike(tmp_path: Path) -> None:
    rows = rows_of(STEPS, [7] * 3)
    rows[0, 2:4] = rows[1, :3] = 0
    operators, proof = exported(layer_role(keras.layers.LSTM(4), keras.layers.Masking(0.0)), rows, tmp_path)
    assert proof.passed
    assert not operators & RECURRENT


def operations(layer: keras.Layer) -> set[str]:
    traced = tf.function(layer).get_concrete_function(tf.TensorSpec([None, 7, 3]))
    return {operation.type for operation in traced.graph.get_operations()}


def test_other_threads_trace_loops_meanwhile_and_everybody_does_afterwards() -> None:
    layer, found = keras.layers.GRU(4), {}
    layer.build((None, 7, 3))
    calls = [kind.call for kind in (keras.layers.GRU, keras.layers.Bidirectional)]

    def elsewhere() -> None:
        found["elsewhere"] = operations(layer)

    with native_operators(MARKINGS):
        found["here"] = operations(layer)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert "PyFunc" in found["here"]
    assert "PyFunc" not in found["elsewhere"]
    assert [kind.call for kind in (keras.layers.GRU, keras.layers.Bidirectional)] == calls


def test_threads_enter_one_after_the_other() -> None:
    entered = threading.Event()

    def enter() -> None:
        with native_operators(MARKINGS):
            entered.set()

    thread = threading.Thread(target=enter)
    with native_operators(MARKINGS):
        thread.start()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()


def test_layers_are_themselves_again_after_an_error() -> None:
    call = keras.layers.LSTM.call
    with pytest.raises(RuntimeError), native_operators(MARKINGS):
        raise RuntimeError
    assert keras.layers.LSTM.call is call
