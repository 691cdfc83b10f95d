import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from models.asking import Arrays
from models.export import serving_function
from models.onnx_runtime import onnxruntime
from models.reading.canonical import write_canonical
from models.reading.digits import read_digits
from models.reading.options import ReadingOptions
from models.registry import build, roles_of
from models.rows import Rows
from models.schema import input_of
from models.signature import Signature
from workers.children.artifact import Trained, prove, write_artifact
from workers.children.events import Events
from workers.children.program import Failed
from workers.children.rows import open_rows
from workers.protocol import TrainingOrder

EPOCHS = [
    {"epoch": number, "metrics": {"loss": 2 / number, "accuracy": 0.5, "val_loss": value}, "seconds": 0.1}
    for number, value in ((1, 2.0), (2, float("nan")))
]


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> TrainingOrder:
    folder = tmp_path_factory.mktemp("digits")
    schema = write_canonical(read_digits(), ReadingOptions(), folder, 10**7).schema
    document = {
        "job": "job_1",
        "attempt": 1,
        "model": "digits",
        "dataset": "digits@1",
        "dataset_schema": schema.model_dump(mode="json"),
        "files": {name: str(folder / name) for name in ("x.npy", "y.npy", "test.npy")},
        "network": {"family": "cnn", "blocks": [{"filters": 4}], "dense": [], "dropout": 0.5},
        "training": {"epochs": 2},
        "sent": {"network": {"family": "cnn"}},
        "threads": 1,
    }
    return TrainingOrder.model_validate_json(json.dumps(document))


@pytest.fixture(scope="module")
def rows(order: TrainingOrder) -> Rows:
    return open_rows(order)


@pytest.fixture(scope="module")
def trained(order: TrainingOrder) -> Trained:
    network = build(order.network, input_of(order.dataset_schema), seed=1)
    return Trained(network, EPOCHS, {"epoch": 1, "val_loss": 2.0}, "completed")


@pytest.fixture(scope="module")
def written(
    trained: Trained, order: TrainingOrder, rows: Rows, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("order")
    with (folder / "events").open("wb") as events:
        output = folder / "output"
        output.mkdir()
        result = write_artifact(trained, order, rows, output, Events(events.fileno()))
    phases = [json.loads(line)["data"]["phase"] for line in (folder / "events").read_text().splitlines()]
    assert phases == ["evaluating", "exporting"]
    return output, result


def asked(network: keras.Model, order: TrainingOrder, images: np.ndarray) -> np.ndarray:
    """What the network itself answers, as it is served."""
    (role,) = roles_of(order.network, network, input_of(order.dataset_schema))
    return serving_function(role)({"image": images})["probabilities"]


def test_the_result_names_every_file_there_is(written: tuple[Path, dict[str, Any]]) -> None:
    output, result = written
    assert set(result["files"]) == {file.name for file in output.iterdir()}
    assert set(result["files"]) == {
        *("network.keras", "predict.onnx", "signature.json", "spec.json", "report.json", "golden.npz"),
        *("card.md", "confusion.png", "curves.png", "ranking.png", "calibration.png", "worst.png"),
    }
    assert result["parameters"] == 4 * 9 + 4 + 8 * 8 * 4 * 10 + 10
    assert result["parity"]["passed"] is True
    assert result["stop_reason"] == "completed"
    assert result["best"] == {"epoch": 1, "val_loss": 2.0}
    json.dumps(result, allow_nan=False)


def test_the_report_is_about_the_test_rows(written: tuple[Path, dict[str, Any]]) -> None:
    output, result = written
    report = json.loads((output / "report.json").read_text())
    assert report["on"] == "test"
    assert report["rows"] == 360
    assert result["metrics"] == {
        "accuracy": report["accuracy"],
        "loss": report["loss"],
        "macro_f1": report["macro"]["f1"],
    }
    assert report["epochs"] == [
        {"epoch": 1, "loss": 2.0, "accuracy": 0.5, "val_loss": 2.0},
        {"epoch": 2, "loss": 1.0, "accuracy": 0.5, "val_loss": None},
    ]


def test_the_served_answers_are_those_of_the_network_on_all_test_rows(
    written: tuple[Path, dict[str, Any]], trained: Trained, rows: Rows, order: TrainingOrder
) -> None:
    signature = Signature.model_validate_json((written[0] / "signature.json").read_text())
    role = signature.roles["predict"]
    session = onnxruntime.InferenceSession(written[0] / role.graph, providers=["CPUExecutionProvider"])
    images = rows.read(rows.test)
    (served,) = session.run([role.outputs[0].name], {role.inputs[0].name: images})
    own = asked(trained.network, order, images)
    assert (served.argmax(axis=1) == own.argmax(axis=1)).all()
    np.testing.assert_allclose(served, own, atol=1e-4)


def test_the_signature_tells_what_serving_must_know(
    written: tuple[Path, dict[str, Any]], order: TrainingOrder
) -> None:
    signature = Signature.model_validate(written[1]["signature"])
    assert signature.labels == tuple("0123456789")
    assert signature.image == order.dataset_schema.image
    assert signature.roles["predict"].inputs[0].shape == (8, 8, 1)
    assert signature.roles["predict"].outputs[0].shape == (10,)


def test_the_golden_rows_carry_the_networks_answers(
    written: tuple[Path, dict[str, Any]], trained: Trained, order: TrainingOrder
) -> None:
    golden = np.load(written[0] / "golden.npz")
    assert set(golden) == {"predict/image", "predict/probabilities"}
    assert golden["predict/image"].shape == (16, 8, 8, 1)
    assert golden["predict/image"].dtype == golden["predict/probabilities"].dtype == np.float32
    answers = asked(trained.network, order, golden["predict/image"])
    np.testing.assert_allclose(golden["predict/probabilities"], answers, atol=1e-6)


def test_the_spec_is_kept_as_it_was_sent_and_as_it_was_resolved(
    written: tuple[Path, dict[str, Any]], order: TrainingOrder
) -> None:
    spec = json.loads((written[0] / "spec.json").read_text())
    assert spec == order.model_dump(mode="json", include={"sent", "network", "training"})
    assert spec["sent"]["network"] == {"family": "cnn"}


def test_pictures_and_card_can_be_opened(written: tuple[Path, dict[str, Any]]) -> None:
    for name in ("confusion.png", "curves.png", "worst.png"):
        with Image.open(written[0] / name, formats=["PNG"]) as picture:
            picture.verify()
    assert (written[0] / "card.md").read_text().startswith("# digits\n")


def test_a_graph_that_answers_otherwise_is_not_published(
    written: tuple[Path, dict[str, Any]], rows: Rows, trained: Trained, order: TrainingOrder
) -> None:
    def other(inputs: Arrays) -> dict[str, np.ndarray]:
        return {"probabilities": np.full((len(inputs["image"]), 10), 0.1, np.float32)}

    (role,) = roles_of(order.network, trained.network, input_of(order.dataset_schema))
    with pytest.raises(Failed) as raised:
        prove(role, other, written[0] / "predict.onnx", {"image": rows.read(rows.test)})
    assert raised.value.failure.code == "export_mismatch"


def test_no_row_serves_two_purposes(rows: Rows) -> None:
    together = np.concatenate([rows.training, rows.validation, rows.test])
    assert sorted(together) == list(range(1797))
    assert rows.report_on == "test"


def test_without_test_rows_the_report_is_about_the_validation_rows(rows: Rows) -> None:
    none = np.array([], np.int64)
    without_test = Rows(rows.x, rows.y, rows.training, rows.validation, none)
    assert without_test.report_on == "validation"
    assert without_test.reported is rows.validation
    only_training = Rows(rows.x, rows.y, rows.training, none, none)
    assert only_training.report_on == "training"


@pytest.mark.parametrize(
    ("field", "value"), [("rows", 1796), ("shape", (8, 8, 3)), ("dtype", "float32"), ("test_rows", 9)]
)
def test_files_that_are_not_as_promised_are_refused(field: str, value: object, order: TrainingOrder) -> None:
    schema = order.dataset_schema.model_copy(update={field: value})
    with pytest.raises(ValueError, match="promises"):
        open_rows(order.model_copy(update={"dataset_schema": schema}))


def test_the_network_can_be_loaded_again(
    written: tuple[Path, dict[str, Any]], trained: Trained, rows: Rows, order: TrainingOrder
) -> None:
    loaded = keras.saving.load_model(written[0] / "network.keras", safe_mode=True)
    images = rows.read(rows.test[:8])
    np.testing.assert_allclose(asked(loaded, order, images), asked(trained.network, order, images), atol=1e-6)


def test_figures_that_cannot_be_told_are_the_fault_of_the_data(
    trained: Trained, order: TrainingOrder, rows: Rows, tmp_path: Path
) -> None:
    odd = replace(trained, notes={"distance": float("nan")})
    with (tmp_path / "events").open("wb") as events, pytest.raises(Failed) as raised:
        write_artifact(odd, order, rows, tmp_path, Events(events.fileno()))
    assert raised.value.failure.code == "bad_data"
    assert raised.value.failure.message.startswith("report.json would hold a figure")
