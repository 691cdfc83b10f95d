from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine

from models.cross_validation import CrossValidated, cross_validate, folds_of
from models.keeper import Keeper, Report
from models.lesson import TrainingData
from models.loop import Left
from models.presets import Resolved, resolve
from models.registry import build
from models.schema import InputSchema
from models.specs.problems import SpecError
from models.specs.training import CrossValidation
from models.statistics import Statistics, measure

RANDOM = np.random.default_rng(0)


def data_of(x: np.ndarray, y: np.ndarray, source: InputSchema) -> TrainingData:
    """All rows but the last tenth, which is for the test."""
    rows = RANDOM.permutation(len(x) * 9 // 10)
    statistics = measure(x, y, rows[10:], source)
    return TrainingData(x.astype(np.float32), y, np.sort(rows[10:]), np.sort(rows[:10]), source, statistics)


def checked(
    specs: Resolved,
    data: TrainingData,
    said: Callable[[dict], None],
    *,
    stop: bool = False,
    report: Report = lambda kind, figures: None,
    **company: Any,
) -> CrossValidated:
    def make(statistics: Statistics, seed: int) -> keras.Model:
        return build(specs.network, data.source, statistics, seed=seed)

    return cross_validate(
        make,
        specs.network,
        specs.training,
        data,
        said=said,
        report=report,
        should_stop=lambda: stop,
        **company,
    )


WINE = load_wine()
SOURCE = InputSchema(shape=(13,), classes=3, labels=("a", "b", "c"))
DATA = data_of(WINE.data, WINE.target.astype(np.int64), SOURCE)


def test_each_seed_leaves_out_every_row_once_and_never_a_test_row() -> None:
    folds = list(folds_of(DATA, CrossValidation(folds=4, seeds=2), seed=3))
    assert [fold.number for fold in folds] == list(range(1, 9))
    for seed in (3, 4):
        left_out = np.concatenate([fold.left_out for fold in folds if fold.seed == seed])
        assert sorted(left_out) == list(range(len(WINE.data) * 9 // 10))
    for fold in folds:
        assert not set(fold.training) & set(fold.left_out)
        counts = np.bincount(DATA.y[fold.left_out], minlength=3)
        everywhere = np.bincount(DATA.y[: len(WINE.data) * 9 // 10], minlength=3) / 4
        assert (np.abs(counts - everywhere) < 1).all()
    assert not np.array_equal(folds[0].left_out, folds[4].left_out)


def test_classes_are_told_apart_on_rows_that_were_left_out() -> None:
    fast = {"name": "adam", "learning_rate": 0.02}
    training = {"epochs": 20, "optimizer": fast, "cross_validation": {"folds": 3}}
    specs = resolve({"family": "mlp", "dense": [16]}, training, SOURCE)
    said: list[dict] = []
    found = checked(specs, DATA, said.append).report
    assert found["measure"] == "accuracy"
    assert found["mean"] > 0.9
    assert found["mean"] == pytest.approx(np.mean(found["figures"]))
    assert [each["fold"] for each in said] == [1, 2, 3]


def test_values_are_measured_by_the_variance_that_is_explained() -> None:
    x, y = load_diabetes(return_X_y=True)
    source = InputSchema(shape=(10,), targets=1)
    data = data_of(x, y[:, None].astype(np.float32), source)
    fast = {"name": "adam", "learning_rate": 0.02}
    training = {"epochs": 20, "optimizer": fast, "cross_validation": {"folds": 2}}
    specs = resolve({"family": "mlp", "dense": [8]}, training, source)
    found = checked(specs, data, lambda _: None).report
    assert found["measure"] == "r2"
    assert 0.2 < found["mean"] < 0.7


def test_it_ends_when_it_is_asked_to() -> None:
    specs = resolve({"family": "mlp"}, {"cross_validation": {"folds": 3}}, SOURCE)
    found = checked(specs, DATA, lambda _: None, stop=True)
    assert found.report["figures"] == []
    assert found.report["mean"] is None
    # Whoever stops it wants a network all the same.
    assert len(found.members) == 1


def test_the_networks_of_an_ensemble_are_kept_each_with_its_figures() -> None:
    training = {"epochs": 2, "cross_validation": {"folds": 2, "ensemble": True}}
    specs = resolve({"family": "mlp", "dense": [4]}, training, SOURCE)
    told: list[tuple[str, dict]] = []
    found = checked(specs, DATA, lambda _: None, report=lambda *each: told.append(each))
    again = checked(specs, DATA, lambda _: None)
    # Within an epoch it may be told more than once.
    assert {kind for kind, _ in told} == {"progress"}
    assert list(dict.fromkeys(each["epoch"] for _, each in told)) == [1, 2, 3, 4]
    assert {each["epochs"] for _, each in told} == {4}
    assert len(found.members) == 2
    assert [len(history) for history in found.histories] == [2, 2]
    for one, same in zip(found.members, again.members, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))
    alone = resolve({"family": "mlp", "dense": [4]}, {"cross_validation": {"folds": 2}, "epochs": 1}, SOURCE)
    assert checked(alone, DATA, lambda _: None).members == []


def test_what_was_trained_before_an_interruption_is_not_trained_again(tmp_path: Path) -> None:
    training = {"epochs": 3, "cross_validation": {"folds": 3, "ensemble": True}}
    specs = resolve({"family": "mlp", "dense": [4]}, training, SOURCE)
    whole = checked(specs, DATA, lambda _: None)
    told: list[tuple[str, dict]] = []
    figures: list[dict] = []

    def in_the_third_fold() -> bool:
        return len(figures) == 2

    def resumed(**company: Any) -> CrossValidated:
        def report(kind: str, figures: dict) -> None:
            told.append((kind, figures))

        return checked(specs, DATA, figures.append, report=report, keeper=Keeper(tmp_path, report), **company)

    with pytest.raises(Left):
        resumed(should_leave=in_the_third_fold)
    steps = [place["step"] for kind, place in told if kind == "checkpoint"]
    assert len(steps) == 3
    assert steps == sorted(steps)
    told.clear()
    again = resumed()
    assert again.report == whole.report
    # Only what was left of the third is new.
    kept = [place["step"] for kind, place in told if kind == "checkpoint"]
    assert len(kept) == 1
    assert kept[0] > steps[-1]
    assert again.histories[2][-1]["metrics"] == whole.histories[2][-1]["metrics"]
    for one, same in zip(whole.members, again.members, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))


def test_an_ensemble_has_the_parameters_of_all_its_networks() -> None:
    network = {"family": "mlp", "dense": [4]}
    whole = {"folds": 5, "seeds": 2, "ensemble": True}
    resolve(network, {"cross_validation": whole | {"ensemble": False}}, SOURCE, max_parameters=100)
    with pytest.raises(SpecError, match="would have 710 parameters"):
        resolve(network, {"cross_validation": whole}, SOURCE, max_parameters=100)


def test_the_largest_values_are_measured_by_a_number() -> None:
    y = (RANDOM.random((60, 1)) * 2e30 - 1e30).astype(np.float32)
    source = InputSchema(shape=(4,), targets=1)
    data = data_of(RANDOM.random((60, 4)), y, source)
    training = {"epochs": 1, "cross_validation": {"folds": 2}}
    specs = resolve({"family": "mlp", "dense": [4]}, training, source)
    figures: list[dict] = []
    checked(specs, data, figures.append)
    assert np.isfinite([each["figure"] for each in figures]).all()
