"""Rows that are numbers throughout: which are, and what range they have. Keras-free."""

from models.layers import unsuitable
from models.schema import InputSchema
from models.specs.problems import SpecError, SpecProblem
from models.statistics import Scale, Statistics

# What is no image has no range of its own: so many deviations on either side of the mean are taken for one.
RANGE_DEVIATIONS = 3.0


def check_numeric(family: str, source: InputSchema) -> None:
    """Raise ``SpecError`` for rows that are not a fixed number of numbers."""
    if source.kind == "text":
        raise unsuitable(family, "images, vectors, tables of numbers and sequences", source)
    if source.kind == "sequences" and source.variable_length:
        message = (
            f"The family {family} takes sequences of one length; those of the dataset differ in length. "
            "Upload them cut or padded to one length."
        )
        raise SpecError([SpecProblem("/network/family", "variable_length", message)])
    categories = [column.name for column in source.columns if column.kind == "category"]
    if categories:
        message = (
            f"The family {family} takes numbers only; the column {categories[0]!r:.64} holds categories. "
            "Leave such columns out when the dataset is read."
        )
        raise SpecError([SpecProblem("/network/family", "has_categories", message)])


def unit_scale(source: InputSchema, statistics: Statistics) -> Scale:
    """Return the scale that maps the range of the rows to 0..1; of images one scale for all values."""
    if source.kind == "images":
        return Scale((source.low,), (source.high - source.low,))
    seen = list(zip(statistics.inputs.means, statistics.inputs.deviations, strict=True))
    lowest = tuple(mean - RANGE_DEVIATIONS * deviation for mean, deviation in seen)
    return Scale(lowest, tuple(2 * RANGE_DEVIATIONS * deviation for _, deviation in seen))
