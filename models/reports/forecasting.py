"""The report of a network that foretells: its errors beside those of "it stays as it is"."""

from functools import partial
from typing import Any

import numpy as np

from models.pictures import draw_curves
from models.pictures_values import draw_forecasts
from models.reports.report import Examined, Report
from models.rows import spread
from models.tensor_names import VALUES

# Values of sequences that are held at once, about.
MOST_VALUES = 5_000_000


def report(examined: Examined) -> Report:
    """Return the report on the rows that are reported; errors are in the units of the values.

    What is foretold is the last step of a row. The naive forecast is the value before it, of each feature the
    last that is known; values that are missing, or have none before them, count for neither.
    """
    rows = examined.rows
    most = MOST_VALUES // int(np.prod(examined.schema.shape))
    reported = spread(rows.reported, most)
    sequences = rows.read(reported)
    true, naive = then_and_before(sequences)
    values = examined.answers("predict", reported)[VALUES].astype(np.float64)
    known = ~np.isnan(true) & ~np.isnan(naive)
    mae, rmse = errors_of(values, true, known)
    naive_mae, naive_rmse = errors_of(naive, true, known)
    metrics = {
        "mae": float(mae.mean()),
        "rmse": float(rmse.mean()),
        "naive_mae": float(naive_mae.mean()),
        "naive_rmse": float(naive_rmse.mean()),
    }
    features: list[dict[str, Any]] = [
        {
            "feature": number + 1,
            "values": int(known[:, number].sum()),
            "mae": float(mae[number]),
            "rmse": float(rmse[number]),
            "naive_mae": float(naive_mae[number]),
            "naive_rmse": float(naive_rmse[number]),
        }
        for number in range(true.shape[1])
    ]
    content = {"rows": len(reported), **metrics, "features": features}
    pictures = {
        "forecasts.png": partial(draw_forecasts, sequences, true, values, reported),
        "curves.png": partial(draw_curves, examined.epochs, names=("loss", "mae")),
    }
    return Report(content, metrics, pictures, _card(metrics))


def then_and_before(sequences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the last step of each sequence and the last known values before it, ``[rows, features]``.

    ``sequences`` is ``[rows, time, features]``, padded at the end with NaN; what is not known is NaN.
    """
    steps = np.arange(sequences.shape[1])[:, None]
    is_known = ~np.isnan(sequences)
    last = np.where(is_known.any(axis=2), steps[:, 0], 0).max(axis=1)[:, None, None]
    earlier = np.where(is_known & (steps < last), steps, -1).max(axis=1)  # [rows, features]
    rows, features = np.ogrid[: len(sequences), : sequences.shape[2]]
    then = sequences[rows, last[:, :, 0], features]
    before = np.where(earlier < 0, np.nan, sequences[rows, np.maximum(earlier, 0), features])
    return then.astype(np.float64), before.astype(np.float64)


def errors_of(values: np.ndarray, true: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean absolute and the root of the mean squared error of each feature, of known values."""
    errors = np.where(known, values - true, 0.0)
    counts = np.maximum(known.sum(axis=0), 1)
    return np.abs(errors).sum(axis=0) / counts, np.sqrt(np.square(errors).sum(axis=0) / counts)


def _card(metrics: dict[str, float]) -> list[str]:
    if not metrics["naive_rmse"]:
        return ["The last step is always as the one before: there is nothing to be foretold."]
    share = metrics["rmse"] / metrics["naive_rmse"]
    better = "better" if share < 1 else "no better"
    return [
        f"That is {better} than the naive forecast, that all stays as it is: its root of the mean squared "
        f"error is {metrics['naive_rmse']:.4g}, and this one's is {share:.0%} of that."
    ]
