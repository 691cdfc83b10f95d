"""From a task to its report: one case for each."""

from typing import assert_never

from models.reports import classification, forecasting, generation, reconstruction, regression, sampling
from models.reports.report import Examined, Report
from models.schema import input_of
from models.tasks import task_of


def report_of(examined: Examined) -> Report:
    """Return the report of a trained network, as its task wants it."""
    task = task_of(examined.spec, input_of(examined.schema))
    match task:
        case "classification":
            return classification.report(examined)
        case "regression":
            return regression.report(examined)
        case "generation":
            return generation.report(examined)
        case "forecasting":
            return forecasting.report(examined)
        case "reconstruction":
            return reconstruction.report(examined)
        case "sampling":
            return sampling.report(examined)
        case _:
            assert_never(task)
