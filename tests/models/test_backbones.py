from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from models.backbones import KNOWN
from models.cnn_backbone import NoWeights, architecture, prepared
from models.export import export_onnx, parity, serving_function
from models.lesson import TrainingData
from models.outline import outline
from models.presets import SpecError, resolve
from models.pretrained import freeze
from models.registry import build, roles_of
from models.schema import InputSchema
from models.specs.backbone import Backbone
from models.specs.cnn import CnnSpec
from models.statistics import neutral
from models.training import train

SOURCE = InputSchema(shape=(8, 8, 1), classes=3, low=-2.0, high=6.0)
COLOURED = InputSchema(shape=(40, 36, 3), classes=3, high=255.0)
ROWS = np.random.default_rng(0).uniform(-2, 6, (40, 8, 8, 1)).astype(np.float32)
PREPROCESSORS = {
    "mobilenetv2": keras.applications.mobilenet_v2.preprocess_input,
    "resnet50": keras.applications.resnet.preprocess_input,
    "densenet121": keras.applications.densenet.preprocess_input,
    "resnet50v2": keras.applications.resnet_v2.preprocess_input,
    "vgg16": keras.applications.vgg16.preprocess_input,
}


def network_of(name: str, source: InputSchema = SOURCE, **fields: object) -> dict:
    return {"family": "cnn", "backbone": {"name": name}, **fields}


def trained(network: dict) -> tuple[keras.Model, CnnSpec]:
    """A network after one epoch on a few rows, and its spec."""
    rows, y = np.arange(40), np.arange(40) % 3
    data = TrainingData(ROWS, y, rows[:30], rows[30:], SOURCE, neutral(SOURCE))
    specs = resolve(network, {"epochs": 1, "batch_size": 16}, SOURCE)
    built = build(specs.network, SOURCE, seed=0)
    outcome = train(
        built, specs.network, specs.training, data, report=lambda *_: None, should_stop=lambda: False
    )
    assert np.isfinite(outcome.epochs[0]["metrics"]["val_loss"])
    return built, specs.network


def problem(network: dict, source: InputSchema = SOURCE) -> str:
    with pytest.raises(SpecError) as raised:
        resolve(network, None, source)
    (found,) = raised.value.errors
    return f"{found.pointer}: {found.message}"


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("mobilenetv2", "vgg16") else pytest.param(name, marks=pytest.mark.long)
        for name in KNOWN
    ],
)
def test_the_parameters_of_an_architecture_are_those_that_keras_counts(name: str) -> None:
    spec = resolve(network_of(name, dense=[7]), None, SOURCE).network
    network = build(spec, SOURCE, seed=0)
    expected = outline(spec, SOURCE, 1)
    assert network.count_params() == expected.parameters
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in network.layers}
    assert [shapes[layer.name] for layer in expected.layers] == [layer.shape for layer in expected.layers]
    assert network.get_layer("backbone").count_params() == KNOWN[name].parameters
    inner = sum(np.prod(layer.output.shape[1:]) for layer in network.get_layer("backbone").layers)
    side = KNOWN[name].least
    assert inner / side**2 == pytest.approx(KNOWN[name].values, rel=0.5)


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_images_are_what_the_architecture_was_made_for(name: str) -> None:
    def seen(rows: np.ndarray, source: InputSchema) -> np.ndarray:
        image = keras.Input(source.shape)
        spec = resolve(network_of(name), None, source).network
        return keras.Model(image, prepared(image, spec, source))(rows).numpy()

    rows = np.random.default_rng(0).uniform(0, 255, (2, 40, 36, 3)).astype(np.float32)
    np.testing.assert_allclose(seen(rows, COLOURED), PREPROCESSORS[name](rows.copy()), atol=1e-3)
    grey = rows[:, :8, :8, :1]
    enlarged = keras.ops.image.resize(grey, (32, 32)).numpy()
    expected = PREPROCESSORS[name](np.repeat(enlarged, 3, -1))
    np.testing.assert_allclose(seen(grey / 255 * 8 - 2, SOURCE), expected, atol=1e-3)


def test_what_an_architecture_cannot_take_is_told() -> None:
    two = InputSchema(shape=(40, 40, 2), classes=2)
    assert problem(network_of("vgg16"), two).startswith(
        "/network/backbone: A backbone takes images of 1 or 3"
    )
    small = network_of("vgg16", input_size=[40, 20])
    assert problem(small).startswith("/network/input_size: vgg16 takes images of 32x32")
    series = InputSchema(shape=(40, 2), classes=2)
    assert problem(network_of("vgg16"), series).startswith("/network/backbone: backbone is for images")


def test_a_backbone_takes_the_place_of_blocks() -> None:
    spec = resolve(network_of("vgg16"), None, SOURCE).network
    assert spec.blocks == ()
    assert type(spec).model_validate(spec.model_dump(mode="json")) == spec
    assert problem(network_of("vgg16", blocks=[8])).startswith("/network/blocks: A backbone takes the place")
    assert problem({"family": "cnn", "blocks": []}).startswith("/network/blocks: Expected one block")
    assert problem(network_of("vgg16", global_pooling="none")).startswith("/network/global_pooling: Expected")
    still = {"family": "cnn", "backbone": {"name": "vgg16", "trainable": False}}
    assert problem(still).startswith("/network/backbone: Expected `weights` imagenet")
    assert problem(network_of("vgg17")).startswith("/network/backbone/name: ")


def test_a_backbone_can_be_frozen_by_its_name() -> None:
    network = build(resolve(network_of("vgg16", dense=[3]), None, SOURCE).network, SOURCE, seed=0)
    freeze(network, ["backbone"])
    assert {variable.path.split("/")[0] for variable in network.trainable_variables} == {
        "dense_1",
        "probabilities",
    }


def test_weights_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(NoWeights, match="mobilenetv2 cannot be fetched: URL fetch failure") as raised:
        architecture(Backbone(name="mobilenetv2", weights="imagenet"), (32, 32))
    assert raised.value.architecture == "mobilenetv2"


def test_learnt_weights_stay_where_they_are_not_to_be_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file of weights is one that is made here, by the name that Keras looks for."""
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    made = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with h5py.File(file, "w") as weights:
        legacy_h5_format.save_weights_to_hdf5_group(weights, made)
    monkeypatch.setattr(file_utils, "validate_file", lambda *_, **__: True)
    backbone = {"name": "vgg16", "weights": "imagenet", "trainable": False}
    network, _ = trained({"family": "cnn", "backbone": backbone})
    assert {variable.path.split("/")[0] for variable in network.trainable_variables} == {"probabilities"}
    found = network.get_layer("backbone").get_weights()
    assert all(
        np.array_equal(weight, expected) for weight, expected in zip(found, made.get_weights(), strict=True)
    )
    assert architecture(Backbone(name="vgg16", weights="imagenet"), (32, 32)).trainable_variables


@pytest.mark.long
@pytest.mark.parametrize("name", ["mobilenetv2", "efficientnetb0", "vgg16"])
def test_an_architecture_is_trained_and_served(name: str, tmp_path: Path) -> None:
    network, spec = trained(network_of(name))
    (role,) = roles_of(spec, network, SOURCE)
    export_onnx(role, tmp_path / "predict.onnx")
    found = parity(role, serving_function(role), tmp_path / "predict.onnx", role.examples(ROWS))
    assert found.passed, found
