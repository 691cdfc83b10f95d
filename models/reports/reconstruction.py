"""The report of an autoencoder: how well rows come back, which are unusual, and where their codes lie."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.anomalies import NORMAL_SHARE, threshold_of
from models.latents import grid_of
from models.pictures import draw_curves
from models.pictures_codes import draw_codes, draw_errors
from models.pictures_rows import draw_pairs, draw_rows
from models.reports.epochs import pictures_of_epochs
from models.reports.outliers import outliers
from models.reports.report import Examined, Report
from models.rows import Purpose, spread
from models.specs.autoencoder import AutoencoderSpec
from models.tensor_names import CODES, ERROR, PLAIN, RECONSTRUCTION, SAMPLE, VARIATIONAL

# So many values of rows, and of their reconstructions, are held at once; so many rows are examined at most.
MOST_VALUES, MOST_ROWS = 10_000_000, 3_000
# Rows that are shown, of which half are those that came back worst; rows of which the codes are drawn.
SHOWN_ROWS, DRAWN_ROWS, DRAWN_CODES = 20, 2_000, 2_000_000


def report(examined: Examined) -> Report:
    """Return the report on the rows that are reported; an error is the mean square of a scaled row's errors.

    The threshold, beyond which a row is an anomaly, comes from validation rows alone, where there are any;
    where it was decided before, it stays.
    """
    spec, rows = examined.spec, examined.rows
    assert isinstance(spec, AutoencoderSpec)
    reported = _bounded(examined, rows.reported)
    errors = examined.answers("reconstruct", reported)[ERROR].astype(np.float64)
    decided = _threshold(examined)
    threshold = decided["value"]
    metrics = {"mse": float(errors.mean())}
    worst = reported[np.argsort(-errors, kind="stable")]
    content: dict[str, Any] = {
        "rows": len(reported),
        **metrics,
        "errors": _figures(errors),
        "threshold": {**decided, "beyond": float((errors > threshold).mean())},
        "worst": [int(row) for row in worst[: SHOWN_ROWS // 2]],
    }
    sorts, lines = {"": errors}, _card(content["threshold"])
    if examined.training.normal_labels is not None and examined.schema.labels:
        told_apart = outliers(examined, reported, errors, threshold)
        content["anomalies"] = told_apart.content
        metrics |= told_apart.metrics
        sorts = {"normal": errors[told_apart.is_normal], "others": errors[~told_apart.is_normal]}
        lines += told_apart.card
    figures = VARIATIONAL if spec.variational else PLAIN
    if spec.variational:
        content["validation"] = _kept(examined.epochs, figures)
    shown = np.concatenate([spread(reported, SHOWN_ROWS // 2), worst[: SHOWN_ROWS // 2]])
    originals = rows.read(shown)
    returned = examined.answers("reconstruct", shown)[RECONSTRUCTION]
    drawn = spread(reported, min(DRAWN_ROWS, DRAWN_CODES // spec.latent))
    codes = examined.answers("encode", drawn)[CODES]
    labels = examined.schema.labels
    pictures: dict[str, Callable[[Path], None]] = {
        "reconstructions.png": partial(draw_pairs, originals, returned, examined.schema.image),
        "errors.png": partial(draw_errors, sorts, threshold),
        "codes.png": partial(draw_codes, codes, np.asarray(rows.y[drawn]) if labels else None, labels),
        "curves.png": partial(draw_curves, examined.epochs, names=figures),
    }
    if spec.variational:
        grid = grid_of(spec.latent, None, examined.training.seed)
        samples = examined.serve["sample"](grid.inputs)[SAMPLE]
        pictures["samples.png"] = partial(draw_rows, samples, examined.schema.image, columns=grid.columns)
        pictures |= pictures_of_epochs(examined)
    return Report(content, metrics, pictures, lines, threshold)


def _threshold(examined: Examined) -> dict[str, Any]:
    if examined.threshold is not None:
        return {"value": examined.threshold, "normal_share": NORMAL_SHARE, "from": "version"}
    rows = examined.rows
    told_from: Purpose = "validation" if len(rows.validation) else "training"
    known = _bounded(examined, rows.validation if told_from == "validation" else rows.training)
    value = threshold_of(examined.answers("reconstruct", known)[ERROR])
    return {"value": value, "normal_share": NORMAL_SHARE, "from": told_from, "rows": len(known)}


def _bounded(examined: Examined, rows: np.ndarray) -> np.ndarray:
    return spread(rows, min(MOST_ROWS, MOST_VALUES // int(np.prod(examined.schema.shape))))


def _figures(errors: np.ndarray) -> dict[str, float]:
    quantiles = {"median": 0.5, "quantile_90": 0.9, "quantile_99": 0.99, "largest": 1.0}
    return {name: float(np.quantile(errors, share)) for name, share in quantiles.items()}


def _kept(epochs: list[dict[str, Any]], names: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the validation figures of the epoch whose weights were kept; None without validation rows."""
    scored = [epoch for epoch in epochs if epoch.get("val_loss") is not None]
    if not scored:
        return None
    best = min(scored, key=lambda epoch: float(epoch["val_loss"]))
    return {name: best[f"val_{name}"] for name in names}


def _card(threshold: dict[str, Any]) -> list[str]:
    if "rows" not in threshold:
        return []
    return [
        f"A row is called an anomaly where its error is above {threshold['value']:.4g}: "
        f"{threshold['normal_share']:.0%} of {threshold['rows']:,} {threshold['from']} rows are not, and "
        f"{threshold['beyond']:.1%} of these rows are.",
    ]
