from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from models.asking import Arrays
from models.export import ExportFailed, check_graph, export_onnx, parity, serving_function
from models.onnx_runtime import onnxruntime
from models.registry import build
from models.roles import PlayedRole, predict_role
from models.schema import Column, InputSchema
from models.specs.dense import DenseBlock
from models.specs.mlp import MlpSpec

SOURCE = InputSchema(shape=(10, 12, 1), classes=3)
ROWS = np.random.default_rng(0).integers(0, 256, (20, 10, 12, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Everything that an image network may hold: augmentation, resizing, normalisation, noise, dropout."""
    keras.utils.set_random_seed(3)
    image = keras.Input((10, 12, 1), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.RandomRotation(0.2)(x)
    x = keras.layers.RandomTranslation(0.2, 0.2)(x)
    x = keras.layers.Resizing(16, 16)(x)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GaussianNoise(0.5)(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="probabilities")(x))


@pytest.fixture(scope="module")
def role(network: keras.Model) -> PlayedRole:
    return predict_role(network, SOURCE)


@pytest.fixture(scope="module")
def exported(role: PlayedRole, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("exported") / "predict.onnx"
    export_onnx(role, path)
    return path


def test_the_graph_takes_any_number_of_images(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (source,), (answer,) = session.get_inputs(), session.get_outputs()
    assert (source.name, source.type, source.shape) == ("image", "tensor(float)", ["batch", 10, 12, 1])
    assert (answer.name, answer.type, answer.shape) == ("probabilities", "tensor(float)", ["batch", 3])
    for count in (1, 2, 20):
        assert session.run(None, {"image": ROWS[:count]})[0].shape == (count, 3)


def test_nothing_random_is_left_in_the_graph(exported: Path) -> None:
    operators = {node.op_type for node in onnx.load(exported).graph.node}
    assert not any("Random" in operator or operator in ("Dropout", "Bernoulli") for operator in operators)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    first, again = (session.run(None, {"image": ROWS})[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_the_graph_answers_as_the_network(role: PlayedRole, exported: Path) -> None:
    found = parity(role, serving_function(role), exported, {"image": ROWS})
    assert found.passed
    assert found.rows == 20
    assert found.max_difference < 1e-5


def test_the_serving_function_leaves_dropout_and_augmentation_out(
    network: keras.Model, role: PlayedRole
) -> None:
    serve = serving_function(role)
    first, again = (serve({"image": ROWS})["probabilities"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, network(ROWS, training=False), atol=1e-6)


@pytest.mark.parametrize("value", [1e-3, np.nan])
def test_a_graph_that_answers_otherwise_does_not_pass(value: float, role: PlayedRole, exported: Path) -> None:
    def other(inputs: Arrays) -> dict[str, np.ndarray]:
        probabilities = serving_function(role)(inputs)["probabilities"].copy()
        probabilities[7, 1] += value
        return {"probabilities": probabilities}

    assert not parity(role, other, exported, {"image": ROWS}).passed


def test_the_graph_stands_alone_and_is_of_standard_operators(exported: Path) -> None:
    graph = onnx.load(exported, load_external_data=False)
    assert [each.version for each in graph.opset_import] == [18]
    assert not graph.functions
    assert not any(tensor.external_data for tensor in graph.graph.initializer)
    assert list(exported.parent.iterdir()) == [exported]


def test_foreign_operators_are_refused(exported: Path, role: PlayedRole) -> None:
    graph = onnx.load(exported)
    graph.graph.node[0].domain = "com.example"
    with pytest.raises(ExportFailed, match="example"):
        check_graph(graph, role)


def test_weights_outside_the_graph_are_refused(exported: Path, role: PlayedRole) -> None:
    graph = onnx.load(exported)
    graph.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    with pytest.raises(ExportFailed, match="outside"):
        check_graph(graph, role)


def test_other_names_are_refused(exported: Path, role: PlayedRole) -> None:
    graph = onnx.load(exported)
    graph.graph.output[0].name = "Identity:0"
    with pytest.raises(ExportFailed, match="Identity:0"):
        check_graph(graph, role)


def test_a_table_has_an_input_for_each_column_whatever_it_is_called(tmp_path: Path) -> None:
    columns = tuple(
        Column(name=name, kind="number") for name in ("größe (cm)", "mlp/features/concat:0", "a b")
    )
    source = InputSchema(kind="table", shape=(3,), columns=columns, targets=2)
    network = build(MlpSpec(dense=(DenseBlock(units=4),)), source, seed=1)
    role = predict_role(network, source)
    rows = np.random.default_rng(1).normal(size=(9, 3)).astype(np.float32)
    rows[2, 1] = np.nan
    export_onnx(role, tmp_path / "predict.onnx")
    assert parity(role, serving_function(role), tmp_path / "predict.onnx", role.examples(rows)).passed
    session = onnxruntime.InferenceSession(tmp_path / "predict.onnx", providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == [column.name for column in columns]
    assert [each.shape for each in session.get_outputs()] == [["batch", 2]]
