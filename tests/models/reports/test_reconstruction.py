from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from models.reports import reconstruction
from models.reports.report import Examined, Report
from models.schema import DatasetSchema, ImageSchema

DIGITS = load_digits()
X, Y = DIGITS.images[:200, ..., None].astype(np.uint8), DIGITS.target[:200]
SCHEMA = DatasetSchema(
    rows=200,
    test_rows=50,
    shape=(8, 8, 1),
    dtype="uint8",
    labels=list("0123456789"),
    image=ImageSchema(low=0, high=16, background=0),
)
PLAIN = {"family": "autoencoder", "dense": [16], "latent": 5}


@pytest.fixture(scope="module")
def examined(learnt: Callable[..., Examined]) -> Examined:
    return learnt(PLAIN, SCHEMA, X, Y)


@pytest.fixture(scope="module")
def report(examined: Examined) -> Report:
    return reconstruction.report(examined)


def errors_of(examined: Examined, rows: np.ndarray) -> np.ndarray:
    scaled = examined.rows.read(rows) / 16
    network = examined.serve["reconstruct"](examined.roles["reconstruct"].examples(scaled * 16))
    return np.square(network["reconstruction"] / 16 - scaled).mean(axis=(1, 2, 3))


def test_the_error_is_that_of_scaled_test_rows(examined: Examined, report: Report) -> None:
    errors = errors_of(examined, examined.rows.test)
    assert report.metrics["mse"] == pytest.approx(errors.mean(), rel=1e-4)
    assert report.content["errors"]["largest"] == pytest.approx(errors.max(), rel=1e-4)
    assert report.content["worst"][0] == examined.rows.test[errors.argmax()]


def test_the_threshold_comes_from_validation_rows(examined: Examined, report: Report) -> None:
    errors = errors_of(examined, examined.rows.validation)
    assert report.threshold == pytest.approx(np.quantile(errors, 0.99), rel=1e-4)
    told = report.content["threshold"]
    assert (told["from"], told["rows"], told["value"]) == ("validation", 50, report.threshold)
    beyond = errors_of(examined, examined.rows.test) > report.threshold
    assert told["beyond"] == pytest.approx(beyond.mean())
    assert "50 validation rows" in report.card[0]


def test_of_very_many_rows_some_are_examined(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconstruction, "MOST_ROWS", 7)
    content = reconstruction.report(examined).content
    assert content["rows"] == content["threshold"]["rows"] == 7


def test_the_pictures_are_drawn(report: Report, tmp_path: Path) -> None:
    for name, draw in report.pictures.items():
        draw(tmp_path / name)
        with Image.open(tmp_path / name, formats=["PNG"]) as picture:
            assert min(picture.size) > 150
    assert {path.name for path in tmp_path.iterdir()} == {
        *("reconstructions.png", "errors.png", "codes.png", "curves.png"),
    }


@pytest.fixture(scope="module")
def variational(learnt: Callable[..., Examined]) -> Examined:
    return learnt(PLAIN | {"latent": 2, "variational": True, "loss": "bce"}, SCHEMA, X, Y, epochs=3)


def test_of_a_variational_one_reconstruction_and_divergence_are_told_apart(variational: Examined) -> None:
    report = reconstruction.report(variational)
    told = report.content["validation"]
    assert "samples.png" in report.pictures
    kept = min(variational.epochs, key=lambda epoch: epoch["val_loss"])
    assert told == {name: kept[f"val_{name}"] for name in ("loss", "reconstruction", "kl")}
    assert told["loss"] == pytest.approx(told["reconstruction"] + told["kl"], rel=1e-4)


def test_rows_that_are_no_images_are_drawn_as_lines(learnt: Callable[..., Any], tmp_path: Path) -> None:
    vectors = DatasetSchema(kind="vectors", rows=200, test_rows=50, shape=(64,), dtype="uint8")
    report = reconstruction.report(learnt(PLAIN, vectors, X.reshape(200, 64), epochs=1))
    for name, draw in report.pictures.items():
        draw(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5_000


def test_named_normal_labels_have_the_others_told_from_them(examined: Examined, tmp_path: Path) -> None:
    training = examined.training.model_copy(update={"normal_labels": tuple("012345678")})
    report = reconstruction.report(replace(examined, training=training))
    test = examined.rows.test
    errors, is_normal = errors_of(examined, test), Y[test] != 9
    higher = errors[~is_normal][:, None] > errors[is_normal]
    assert report.metrics["auroc"] == pytest.approx(higher.mean())
    told = report.content["anomalies"]
    assert told["auroc"] == report.metrics["auroc"]
    assert told["found"] == pytest.approx((errors[~is_normal] > report.threshold).mean())
    assert told["false_alarms"] == pytest.approx((errors[is_normal] > report.threshold).mean())
    of_labels = {each["label"]: each for each in told["labels"]}
    assert [label for label, each in of_labels.items() if not each["is_normal"]] == ["9"]
    assert of_labels["9"]["auroc"] == pytest.approx(report.metrics["auroc"])
    assert of_labels["3"]["auroc"] is None
    assert of_labels["3"]["rows"] == (Y[test] == 3).sum()
    assert of_labels["3"]["error"] == pytest.approx(errors[Y[test] == 3].mean(), rel=1e-4)
    assert any("AUROC" in line for line in report.card)
    report.pictures["errors.png"](tmp_path / "errors.png")


def test_where_no_row_is_normal_or_none_is_not_nothing_is_told_apart(examined: Examined) -> None:
    rows = replace(examined.rows, y=np.zeros(200, np.int64))
    training = examined.training.model_copy(update={"normal_labels": ("0", "1")})
    report = reconstruction.report(replace(examined, rows=rows, training=training))
    assert report.content["anomalies"]["auroc"] is None
    assert "auroc" not in report.metrics
