"""What is published of a network, for each task that is no classification."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_orders
from PIL import Image

from models.onnx_runtime import onnxruntime
from models.registry import build
from models.schema import DatasetSchema, ImageSchema, TextSchema, input_of
from models.signature import Signature
from workers.children.artifact import Trained, write_artifact
from workers.children.events import Events
from workers.children.rows import open_rows
from workers.protocol import TrainingOrder

ROWS, TEST_ROWS = 60, 15
IMAGES = DatasetSchema(
    rows=ROWS,
    test_rows=TEST_ROWS,
    shape=(8, 8, 1),
    dtype="uint8",
    labels=["a", "b", "c"],
    image=ImageSchema(low=0, high=16, background=0),
)
SEQUENCES = DatasetSchema(kind="sequences", rows=ROWS, test_rows=TEST_ROWS, shape=(6, 2), dtype="float32")
TEXTS = DatasetSchema(
    kind="text",
    rows=ROWS,
    test_rows=TEST_ROWS,
    shape=(9,),
    dtype="int32",
    text=TextSchema(tokens="character", vocabulary=5),
)
VOCABULARY = ["", "\ufffd", "a", "b", "c"]
RNN = {"family": "rnn", "layers": [4]}
WRITER = {"family": "text_generator", "embedding_size": 4, "units": [6]}
PLAIN = {"family": "autoencoder", "dense": [8], "latent": 3}
VARIATIONAL = PLAIN | {"variational": True, "loss": "bce"}
GAN = {"family": "gan", "latent": 4, "conditional": True, "generator": [8], "discriminator": [8]}
DRAWN = {
    "forecasting": {"forecasts.png"},
    "generation": set(),
    "reconstruction": {"reconstructions.png", "errors.png", "codes.png"},
    "sampling": {"samples.png"},
}

Written = tuple[Path, dict[str, Any]]


def order_of(
    folder: Path, schema: DatasetSchema, network: dict[str, Any], training: dict[str, Any]
) -> dict[str, Any]:
    """Write the files of a dataset; return an order to train with them."""
    generator = np.random.default_rng(0)
    if schema.kind == "sequences":
        x = generator.normal(size=(ROWS, *schema.shape)).astype(np.float32)
    else:
        x = generator.integers(2, 5, (ROWS, *schema.shape)).astype(schema.dtype)
    np.save(folder / "x.npy", x)
    np.save(folder / "test.npy", np.arange(ROWS - TEST_ROWS, ROWS))
    if schema.labels:
        np.save(folder / "y.npy", np.arange(ROWS) % 3)
    if schema.text:
        (folder / "vocabulary.json").write_text(json.dumps(VOCABULARY))
    return small_orders.order_of(folder, schema, network, {"epochs": 2, "batch_size": 16, **training})


@pytest.fixture(
    scope="module",
    params=[
        (SEQUENCES, RNN, {}),
        (TEXTS, WRITER, {}),
        (IMAGES, PLAIN, {"normal_labels": ["a", "c"]}),
        (IMAGES, VARIATIONAL, {}),
        (IMAGES, GAN, {}),
    ],
    ids=["forecasting", "generation", "reconstruction", "variational", "sampling"],
)
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return order_of(tmp_path_factory.mktemp("dataset"), *request.param)


@pytest.fixture(scope="module")
def written(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Written:
    order = TrainingOrder.model_validate_json(json.dumps(document))
    built = build(order.network, input_of(order.dataset_schema), seed=1)
    output = tmp_path_factory.mktemp("output")
    with (tmp_path_factory.mktemp("events") / "events").open("wb") as events:
        trained = Trained(built, [], None, "completed")
        result = write_artifact(trained, order, open_rows(order), output, Events(events.fileno()))
    return output, result


def test_a_version_has_all_that_its_task_asks_for(written: Written) -> None:
    output, result = written
    signature = Signature.model_validate(result["signature"])
    roles = {role.graph for role in signature.roles.values()}
    pictures = {path.name for path in output.glob("*.png")} - {"curves.png"}
    extra = {"samples.png"} if "sample" in signature.roles and signature.task == "reconstruction" else set()
    assert pictures == DRAWN[signature.task] | extra
    assert {path.name for path in output.glob("*.onnx")} == roles
    for name in pictures:
        with Image.open(output / name, formats=["PNG"]) as picture:
            picture.verify()
    report = json.loads((output / "report.json").read_text())
    assert (report["on"], report["rows"]) == ("test", TEST_ROWS)
    assert all(np.isfinite(value) for value in result["metrics"].values())
    assert f"On {TEST_ROWS} test rows" in (output / "card.md").read_text()


def test_the_graphs_answer_to_the_golden_rows_as_is_kept(written: Written) -> None:
    output, result = written
    golden = np.load(output / "golden.npz")
    for name, role in Signature.model_validate(result["signature"]).roles.items():
        session = onnxruntime.InferenceSession(output / role.graph, providers=["CPUExecutionProvider"])
        inputs = {tensor.name: golden[f"{name}/{tensor.name}"] for tensor in role.inputs}
        typed = {
            tensor.name: inputs[tensor.name].astype(tensor.dtype, casting="safe") for tensor in role.inputs
        }
        answers = session.run([tensor.name for tensor in role.outputs], typed)
        for tensor, answer in zip(role.outputs, answers, strict=True):
            np.testing.assert_allclose(answer, golden[f"{name}/{tensor.name}"], atol=1e-4)


def test_a_threshold_is_that_of_normal_rows_that_validate(written: Written) -> None:
    output, result = written
    signature = Signature.model_validate(result["signature"])
    report = json.loads((output / "report.json").read_text())
    assert (signature.threshold is not None) == (signature.task == "reconstruction")
    if "anomalies" in report:
        assert report["threshold"]["value"] == signature.threshold
        # A tenth of the fifteen training rows of each class, to the nearest row.
        assert report["threshold"]["rows"] == 2 * 2
        assert "auroc" in result["metrics"]


def test_an_evaluation_on_the_same_rows_finds_the_same(
    document: dict[str, Any], written: Written, tmp_path: Path
) -> None:
    output, result = written
    order = small_orders.evaluation_of(document, output, result["signature"])
    found = small_orders.evaluated(order, tmp_path)
    assert found["metrics"] == pytest.approx(result["metrics"], rel=1e-3)
    files = {path for path in result["files"] if path.endswith(".png")} - {"curves.png"}
    assert set(found["files"]) == {"report.json", *files}
    reports = (folder / "report.json" for folder in (output, tmp_path / "output"))
    before, after = (json.loads(path.read_text()) for path in reports)
    assert set(before) - set(after) == {"best", "epochs"}
    assert (after["on"], after["rows"]) == ("test", TEST_ROWS)
    if "threshold" in after:
        assert (after["threshold"]["value"], after["threshold"]["from"]) == (
            before["threshold"]["value"],
            "version",
        )
    if "anomalies" in after:
        assert after["anomalies"]["auroc"] == pytest.approx(before["anomalies"]["auroc"])


def test_what_is_made_up_in_training_is_kept(
    run_program: Callable[..., Any], tmp_path: Path, order_dir: Path
) -> None:
    run = run_program("workers.children.trainer", order_of(tmp_path, IMAGES, GAN, {}))
    assert run.status == 0, run.stderr
    assert {"samples-epoch-0001.png", "samples-epoch-0002.png", "samples-by-epoch.png"} <= set(
        run.only("result")["files"]
    )
    assert "](samples-by-epoch.png)" in (order_dir / "output" / "card.md").read_text()
