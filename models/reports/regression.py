"""The report of a network that predicts values: errors, explained variance, residuals."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import r2_score

from models.pictures import draw_curves
from models.pictures_values import draw_residuals
from models.reports.report import Examined, Report
from models.tensor_names import VALUES

WORST_ROWS = 24


def report(examined: Examined) -> Report:
    """Return the report on the rows that are reported; errors are in the units of the targets."""
    rows, names = examined.rows, examined.schema.targets
    true = np.asarray(rows.y[rows.reported], np.float64)
    values = examined.answers("predict", rows.reported)[VALUES].astype(np.float64)
    errors = values - true
    targets = [_figures(name, true[:, n], values[:, n]) for n, name in enumerate(names)]
    metrics = {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(np.square(errors).mean())),
        "r2": float(np.mean([target["r2"] for target in targets])),
    }
    hardest = np.argsort(-np.abs(errors).max(axis=1), kind="stable")[:WORST_ROWS]
    content = {
        "rows": len(rows.reported),
        **metrics,
        "targets": targets,
        "worst": [
            {"row": int(rows.reported[n]), "true": true[n].tolist(), "predicted": values[n].tolist()}
            for n in hardest
        ],
    }
    pictures = {
        "residuals.png": partial(draw_residuals, true, values, names),
        "curves.png": partial(draw_curves, examined.epochs, names=("loss", "mae")),
    }
    return Report(content, metrics, pictures)


def _figures(name: str, true: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    errors = values - true
    return {
        "target": name,
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(np.square(errors).mean())),
        # One row has no variance to be explained.
        "r2": float(r2_score(true, values)) if len(true) > 1 else 0.0,
    }
