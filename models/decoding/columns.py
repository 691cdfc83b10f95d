"""Cells of a table to the numbers that a network takes: a category becomes its id. Standard library only."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from models.schema import FIRST_CATEGORY, MISSING_CATEGORY, UNKNOWN_CATEGORY, Column

# What a cell without a value looks like in text; the same as where tables are read for training.
MISSING_TEXTS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA",
     "NULL", "NaN", "n/a", "nan", "null"}
)  # fmt: skip
# The range that training takes.
MAX_VALUE = 1e30

_TRUTHS = {"true": True, "false": False}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Cell = str | int | float | bool | None


class CellError(ValueError):
    """A cell that its column does not take; the message says what was expected and what came."""


def cell_reader(column: Column) -> Callable[[object], float]:
    """Return what reads the cells of a column: a value of JSON to a number, NaN for a missing one.

    A category that training has not seen is 0, a missing one 1. It raises :class:`CellError`.
    """
    if column.kind == "number":
        return _number
    ids = {text: float(place) for place, text in enumerate(column.categories, FIRST_CATEGORY)}
    return lambda value: _category(value, ids)


def cell_of_text(text: str, column: Column) -> Cell:
    """Return the value of JSON that a cell in a text file stands for."""
    if text in MISSING_TEXTS:
        return None
    if column.kind == "category":
        return text
    try:
        return float(text)
    except ValueError:
        return _TRUTHS.get(text.lower(), text)


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (days := _days(value)) is not None:
        return days
    if type(value) not in (int, float):
        raise CellError(f"Expected a number or nothing, got {_told(value)}.")
    assert isinstance(value, int | float)
    # Asked this way round, since a NaN is within no bounds.
    if not -MAX_VALUE <= value <= MAX_VALUE:
        raise CellError(f"Expected a number within ±{MAX_VALUE:g}, got {_told(value)}.")
    return float(value)


def _category(value: object, ids: Mapping[str, float]) -> float:
    match value:
        case None:
            return float(MISSING_CATEGORY)
        case str():
            text = value
        case bool():
            text = json.dumps(value)
        case float() if value.is_integer():
            text = str(int(value))
        case int() | float() if abs(value) <= MAX_VALUE:
            text = str(value)
        case _:
            raise CellError(f"Expected a text, a number or nothing, got {_told(value)}.")
    if text in MISSING_TEXTS:
        return float(MISSING_CATEGORY)
    return ids.get(text, float(UNKNOWN_CATEGORY))


def _days(text: str) -> float | None:
    """Return the days since 1970 that a date means, which training reads dates as; None if it is no date."""
    if "-" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) / timedelta(days=1)


def _told(value: object) -> str:
    match value:
        case str():
            return f"the text {value[:64]!r}"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return f"the number {json.dumps(value)[:64]}"
