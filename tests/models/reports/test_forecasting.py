from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.reports import forecasting
from models.reports.forecasting import then_and_before
from models.reports.report import Examined, Report
from models.schema import DatasetSchema

NAN = float("nan")
SCHEMA = DatasetSchema(
    kind="sequences", rows=60, test_rows=15, shape=(6, 2), dtype="float32", variable_length=True
)


def test_the_last_step_is_asked_and_the_last_known_value_before_it_is_the_naive_answer() -> None:
    sequences = np.array(
        [
            [[1, 10], [2, 20], [3, 30]],
            [[1, 10], [2, NAN], [NAN, NAN]],
            [[1, 10], [NAN, 20], [3, NAN]],
            [[1, 10], [NAN, NAN], [NAN, NAN]],
        ],
        np.float32,
    )
    then, before = then_and_before(sequences)
    np.testing.assert_array_equal(then, [[3, 30], [2, NAN], [3, NAN], [1, 10]])
    np.testing.assert_array_equal(before, [[2, 20], [1, 10], [1, 20], [NAN, NAN]])


@pytest.fixture(scope="module")
def examined(learnt: Callable[..., Examined]) -> Examined:
    starts = np.linspace(0, 20, 60)[:, None] + np.arange(6)
    x = np.stack([np.sin(starts), 5 * np.cos(starts)], axis=2).astype(np.float32)
    x[::4, 4:] = NAN
    return learnt({"family": "rnn", "layers": [4]}, SCHEMA, x)


@pytest.fixture(scope="module")
def report(examined: Examined) -> Report:
    return forecasting.report(examined)


def test_errors_are_those_of_the_answers_and_of_the_naive_forecast(
    examined: Examined, report: Report
) -> None:
    rows = examined.rows.read(examined.rows.test)
    short = np.isnan(rows[:, 5, 0])
    then = np.where(short[:, None], rows[:, 3], rows[:, 5])
    before = np.where(short[:, None], rows[:, 2], rows[:, 4])
    values = examined.answers("predict", examined.rows.test)["values"]
    assert short.any()
    for place, feature in enumerate(report.content["features"]):
        errors, naive = values[:, place] - then[:, place], before[:, place] - then[:, place]
        assert feature["values"] == 15
        assert feature["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
        assert feature["rmse"] == pytest.approx(np.sqrt(np.square(errors).mean()), rel=1e-4)
        assert feature["naive_mae"] == pytest.approx(np.abs(naive).mean(), rel=1e-4)
        assert feature["naive_rmse"] == pytest.approx(np.sqrt(np.square(naive).mean()), rel=1e-4)
    means = {name: np.mean([each[name] for each in report.content["features"]]) for name in report.metrics}
    assert report.metrics == pytest.approx(means)


def test_the_card_says_whether_the_naive_forecast_is_as_good(report: Report) -> None:
    is_better = report.metrics["rmse"] < report.metrics["naive_rmse"]
    assert ("no better than the naive forecast" in report.card[0]) != is_better


def test_values_that_are_not_known_count_for_nothing() -> None:
    known = np.array([[True, False], [True, False]])
    mae, rmse = forecasting.errors_of(np.array([[1.0, NAN], [4.0, NAN]]), np.zeros((2, 2)), known)
    assert mae.tolist() == [2.5, 0.0]
    assert rmse.tolist() == pytest.approx([np.sqrt(8.5), 0.0])


def test_the_pictures_are_drawn(report: Report, tmp_path: Path) -> None:
    for name, draw in report.pictures.items():
        draw(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"forecasts.png", "curves.png"}
    assert all(path.stat().st_size > 5_000 for path in tmp_path.iterdir())
