"""The report of a classifier: figures by class, confusion, ranking, calibration, the hardest rows."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from models.calibration import calibration_of
from models.card import weakest_classes
from models.evaluation import evaluate
from models.pictures import draw_confusion, draw_curves, draw_worst
from models.pictures_classes import draw_calibration, draw_ranking
from models.ranking import ranking_of
from models.reports.report import Examined, Report
from models.tensor_names import PROBABILITIES


def report(examined: Examined) -> Report:
    """Return the report on the rows that are reported."""
    rows, schema = examined.rows, examined.schema
    probabilities = examined.answers("predict", rows.reported)[PROBABILITIES]
    true = np.asarray(rows.y[rows.reported])
    content = evaluate(probabilities, true, rows.reported, schema.labels)
    ranking, calibration = ranking_of(probabilities, true, schema.labels), calibration_of(probabilities, true)
    content |= {"ranking": ranking.content, "calibration": calibration}
    pictures: dict[str, Callable[[Path], None]] = {
        "ranking.png": partial(draw_ranking, ranking),
        "calibration.png": partial(draw_calibration, calibration),
        "curves.png": partial(draw_curves, examined.epochs),
    }
    if content["confusion"] is not None:
        pictures["confusion.png"] = partial(draw_confusion, content)
    if schema.image is not None:
        pictures["worst.png"] = partial(draw_worst, content, rows.x, schema.image)
    metrics = {
        "accuracy": content["accuracy"],
        "loss": content["loss"],
        "macro_f1": content["macro"]["f1"],
    }
    return Report(content, metrics, pictures, weakest_classes(content["classes"]))
