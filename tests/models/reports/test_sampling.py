from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from models.reports import sampling
from models.reports.report import Examined, Report
from models.schema import Column, DatasetSchema, ImageSchema

DIGITS = load_digits()
X, Y = DIGITS.images[:400, ..., None].astype(np.uint8), DIGITS.target[:400]
SCHEMA = DatasetSchema(
    rows=400,
    test_rows=100,
    shape=(8, 8, 1),
    dtype="uint8",
    labels=list("0123456789"),
    image=ImageSchema(low=0, high=16, background=0),
)
TINY = {"family": "gan", "latent": 4, "generator": [8], "discriminator": [8]}


@pytest.fixture(scope="module")
def conditional(learnt: Callable[..., Examined]) -> Examined:
    return learnt(TINY | {"conditional": True}, SCHEMA, X, Y, epochs=1)


def served(examined: Examined, rows_of: Callable[[np.ndarray], np.ndarray]) -> Examined:
    """The same version, were it to make these rows of a label, or of none."""

    def serve(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"sample": rows_of(inputs.get("label", inputs["latent"])).astype(np.float32)}

    return replace(examined, serve={"sample": serve})


def real_rows(labels: np.ndarray) -> np.ndarray:
    """Rows of the classes that are asked for, as they are in the dataset, each in its turn."""
    generator = np.random.default_rng(len(labels))
    return np.stack([X[generator.choice(np.flatnonzero(label == Y))] for label in labels])


def one_row_of_each(labels: np.ndarray) -> np.ndarray:
    return np.stack([X[np.flatnonzero(label == Y)[0]] for label in labels])


@pytest.fixture(scope="module")
def good(conditional: Examined) -> Report:
    return sampling.report(served(conditional, real_rows))


def test_rows_like_real_ones_are_near_and_are_what_was_asked(good: Report) -> None:
    assert good.metrics["labelled_as_asked"] > 0.9
    assert good.metrics["variance_share"] == pytest.approx(1, abs=0.15)
    distance = good.content["frechet_distance"]
    assert distance["value"] == good.metrics["frechet_distance"] < 5 * distance["of_training_rows"]
    assert (distance["features"], distance["number"]) == ("classifier", 32)
    assert 0.75 < distance["classifier_accuracy"] <= 1
    assert good.content["collapsed"] is False
    assert "collapsed" not in "".join(good.card)


def test_one_row_for_each_class_is_a_collapse_though_all_rows_together_differ(
    conditional: Examined, good: Report
) -> None:
    report = sampling.report(served(conditional, one_row_of_each))
    assert report.metrics["variance_share"] > 0.5
    assert all(each["variance_share"] == 0 for each in report.content["classes"])
    assert report.content["collapsed"] is True
    assert "**The generator has collapsed**" in "".join(report.card)
    assert report.metrics["frechet_distance"] > 2 * good.metrics["frechet_distance"]


def test_rows_of_another_class_than_was_asked_are_found(conditional: Examined) -> None:
    report = sampling.report(served(conditional, lambda labels: real_rows((labels + 1) % 10)))
    assert report.metrics["labelled_as_asked"] < 0.2


def test_a_class_is_asked_for_as_often_as_it_is_reported(good: Report) -> None:
    assert {each["label"]: each["rows"] for each in good.content["classes"]} == {
        str(number): count for number, count in enumerate(np.bincount(Y[300:]))
    }


def test_the_network_itself_is_reported_and_drawn(conditional: Examined, tmp_path: Path) -> None:
    report = sampling.report(conditional)
    for name, draw in report.pictures.items():
        draw(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"samples.png", "curves.png"}
    assert set(report.metrics) == {"frechet_distance", "variance_share", "labelled_as_asked"}


def test_of_large_rows_fewer_are_compared(conditional: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_VALUES", 64 * 50)
    monkeypatch.setattr(sampling, "LEAST_ROWS", 20)
    assert sampling.report(conditional).content["rows"] == 50
    monkeypatch.setattr(sampling, "LEAST_ROWS", 70)
    assert sampling.report(conditional).content["rows"] == 70


def test_what_was_made_on_the_way_is_drawn_epoch_by_epoch(conditional: Examined, tmp_path: Path) -> None:
    made = {epoch: np.full((100, 8, 8, 1), epoch, np.float32) for epoch in (1, 12)}
    pictures = sampling.report(replace(conditional, snapshots=made)).pictures
    names = {"samples-by-epoch.png", "samples-epoch-0001.png", "samples-epoch-0012.png"}
    assert names < set(pictures)
    for name in names:
        pictures[name](tmp_path / name)


def test_without_classes_the_distance_is_one_of_principal_components(
    learnt: Callable[..., Examined], tmp_path: Path
) -> None:
    vectors = DatasetSchema(kind="vectors", rows=400, test_rows=100, shape=(64,), dtype="uint8")
    report = sampling.report(learnt(TINY, vectors, X.reshape(400, 64), epochs=1))
    assert report.content["frechet_distance"]["features"] == "principal components"
    assert "principal components" in report.card[0]
    assert set(report.metrics) == {"frechet_distance", "variance_share"}
    report.pictures["samples.png"](tmp_path / "samples.png")
    assert (tmp_path / "samples.png").stat().st_size > 5_000


def test_numbers_that_are_missing_are_left_out(learnt: Callable[..., Examined]) -> None:
    columns = tuple(Column(name=name, kind="number") for name in "abc")
    table = DatasetSchema(kind="table", rows=40, test_rows=10, shape=(3,), dtype="float32", columns=columns)
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    x[30:, 1] = np.nan
    x[::3, 0] = np.nan
    real = x[30:]
    examined = learnt(TINY, table, x, epochs=1)
    report = sampling.report(served(examined, lambda latents: np.resize([[0, 9, 0], [2, -9, 2]], (10, 3))))
    variances = [np.nanvar(real[:, 0]), real[:, 2].var()]
    assert report.metrics["variance_share"] == pytest.approx(2 / sum(variances), rel=1e-5)
    assert np.isfinite(report.metrics["frechet_distance"])


def test_where_one_class_trains_nobody_is_asked_what_was_made(conditional: Examined) -> None:
    rows = replace(conditional.rows, y=np.zeros(400, np.int64))
    report = sampling.report(served(replace(conditional, rows=rows), one_row_of_each))
    assert report.content["frechet_distance"]["features"] == "principal components"
    assert "labelled_as_asked" not in report.metrics
