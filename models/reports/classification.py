"""The report of a classifier: figures by class, confusion, the hardest rows."""

from functools import partial

import numpy as np

from models.card import weakest_classes
from models.evaluation import evaluate
from models.pictures import draw_confusion, draw_curves, draw_worst
from models.reports.report import Examined, Report
from models.roles import PROBABILITIES


def report(examined: Examined) -> Report:
    """Return the report on the rows that are reported."""
    rows, schema = examined.rows, examined.schema
    probabilities = examined.answers("predict", rows.reported)[PROBABILITIES]
    content = evaluate(probabilities, np.asarray(rows.y[rows.reported]), rows.reported, schema.labels)
    pictures = {
        "confusion.png": partial(draw_confusion, content),
        "curves.png": partial(draw_curves, examined.epochs),
    }
    if schema.image is not None:
        pictures["worst.png"] = partial(draw_worst, content, rows.x, schema.image)
    metrics = {
        "accuracy": content["accuracy"],
        "loss": content["loss"],
        "macro_f1": content["macro"]["f1"],
    }
    return Report(content, metrics, pictures, weakest_classes(content["classes"]))
