"""The report of a network that makes rows up: whether they differ, and how like real ones they are."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.frechet import FEATURES, Features, frechet_distance, learn_features
from models.latents import drawn, grid_of
from models.pictures import draw_curves
from models.pictures_rows import draw_rows
from models.reports.epochs import pictures_of_epochs
from models.reports.report import BATCH_ROWS, Examined, Report
from models.rows import spread
from models.specs.gan import GanSpec
from models.tensor_names import LABEL, LATENT, PLAYERS, SAMPLE

# Below this share of the variance of real rows the generator is said to have collapsed.
COLLAPSED = 0.25
# So many rows are compared, and learnt from, at most: fewer of large rows, down to what a covariance needs.
MOST_ROWS, LEAST_ROWS, MOST_VALUES = 2_000, 200, 2_000_000
# A class of fewer rows has no variance to speak of.
LEAST_OF_CLASS = 5
_STREAM = 1


def report(examined: Examined) -> Report:
    """Return the report: made rows beside the rows that are reported, as many of them."""
    spec, rows, schema = examined.spec, examined.rows, examined.schema
    assert isinstance(spec, GanSpec)
    most = min(MOST_ROWS, max(LEAST_ROWS, MOST_VALUES // int(np.prod(schema.shape))))
    reported, learnt_from = spread(rows.reported, most), spread(rows.training, most)
    real, training = rows.read(reported), rows.read(learnt_from)
    # A class is asked for as often as it is there.
    asked = np.asarray(rows.y[reported], np.int32) if spec.conditional else None
    made = _made(examined, spec, len(real), asked)
    features = learn_features(training, np.asarray(rows.y[learnt_from]) if schema.labels else None)
    distance, own = (frechet_distance(features.of(real), features.of(each)) for each in (made, training))
    share = _variance_share(made, real)
    metrics = {"frechet_distance": distance, "variance_share": share}
    content: dict[str, Any] = {
        "rows": len(real),
        "frechet_distance": {
            "value": distance,
            "of_training_rows": own,
            "features": "classifier" if features.classifier is not None else "principal components",
            "number": FEATURES,
        },
        "variance_share": share,
    }
    if features.classifier is not None:
        right = features.classes(real) == np.asarray(rows.y[reported])
        content["frechet_distance"]["classifier_accuracy"] = float(right.mean())
    shares = [share]
    # Where all training rows are of one class there is no classifier to ask.
    if asked is not None and features.classifier is not None:
        content["classes"] = _by_class(features, made, real, asked, schema.labels)
        content["labelled_as_asked"] = float((features.classes(made) == asked).mean())
        metrics["labelled_as_asked"] = content["labelled_as_asked"]
        shares += [each["variance_share"] for each in content["classes"]]
    content["collapsed"] = min(shares) < COLLAPSED
    grid = grid_of(spec.latent, len(schema.labels) if spec.conditional else None, examined.training.seed)
    samples = examined.serve["sample"](grid.inputs)[SAMPLE]
    pictures: dict[str, Callable[[Path], None]] = {
        "samples.png": partial(draw_rows, samples, schema.image, columns=grid.columns),
        "curves.png": partial(draw_curves, examined.epochs, names=PLAYERS),
        **pictures_of_epochs(examined),
    }
    return Report(content, metrics, pictures, _card(content))


def _made(examined: Examined, spec: GanSpec, count: int, asked: np.ndarray | None) -> np.ndarray:
    latents = drawn(spec.latent, count, examined.training.seed + _STREAM)
    inputs = {LATENT: latents} if asked is None else {LATENT: latents, LABEL: asked}
    parts = [
        examined.serve["sample"]({name: each[start : start + BATCH_ROWS] for name, each in inputs.items()})
        for start in range(0, count, BATCH_ROWS)
    ]
    return np.concatenate([part[SAMPLE] for part in parts])


def _variance_share(made: np.ndarray, real: np.ndarray) -> float:
    """Return the mean variance of a value of made rows as a share of that of real rows.

    What is missing in real rows (NaN) is left out, and so is a value that is missing in all of them.
    """
    known = ~np.isnan(real).all(axis=0)
    variances = [float(np.nanvar(rows[:, known], axis=0).sum(dtype=np.float64)) for rows in (made, real)]
    return variances[0] / variances[1] if variances[1] else 1.0


def _by_class(
    features: Features, made: np.ndarray, real: np.ndarray, asked: np.ndarray, labels: list[str]
) -> list[dict[str, Any]]:
    """Return figures of each class of which there are rows enough to compare their variance."""
    seen = features.classes(made)
    counts = np.bincount(asked, minlength=len(labels))
    return [
        {
            "label": labels[number],
            "rows": int(counts[number]),
            "variance_share": _variance_share(made[asked == number], real[asked == number]),
            "labelled_as_asked": float((seen[asked == number] == number).mean()),
        }
        for number in np.flatnonzero(counts >= LEAST_OF_CLASS)
    ]


def _card(content: dict[str, Any]) -> list[str]:
    distance = content["frechet_distance"]
    kind = (
        "features of a small classifier that was trained on the same data"
        if distance["features"] == "classifier"
        else "principal components of the same data"
    )
    lines = [
        f"The Fréchet distance is one on {kind}, in their deviations: it compares versions that were trained"
        f" on this dataset, and is no FID. Between real rows and training rows it is"
        f" {distance['of_training_rows']:.3g}.",
    ]
    if content["collapsed"]:
        lines += [
            "",
            f"**The generator has collapsed**: what it makes differs too little. The variance of its rows, or"
            f" of those of a class, is below {COLLAPSED:.0%} of that of real rows.",
        ]
    return lines
