"""Means and deviations of the training rows, by which networks scale what they take and give. Keras-free."""

from dataclasses import dataclass

import numpy as np

from models.schema import InputSchema

CHUNK_ROWS = 4096
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Scale:
    """How values are made comparable: ``(value - mean) / deviation``, one of each for each feature."""

    means: Numbers
    deviations: Numbers


@dataclass(frozen=True)
class Statistics:
    """``inputs``: one scale for each feature of a row, its last axis; ``targets``: one for each value."""

    inputs: Scale
    targets: Scale


def neutral(source: InputSchema) -> Statistics:
    """Return statistics that change nothing: for outlines, and where rows need no scaling."""
    return Statistics(_unit(source.shape[-1]), _unit(source.targets or 0))


def measure(x: np.ndarray, y: np.ndarray, rows: np.ndarray, source: InputSchema) -> Statistics:
    """Return the statistics of the given rows; ``x`` may be a memory map, missing values (NaN) are left out.

    Images, texts and categories are not scaled by what was seen: they keep mean 0 and deviation 1.
    """
    unscaled = neutral(source)
    targets = _scale(y, rows) if source.targets else unscaled.targets
    if source.kind in ("images", "text"):
        return Statistics(unscaled.inputs, targets)
    inputs = _scale(x, rows)
    if source.columns:
        numbers = [column.kind == "number" for column in source.columns]
        inputs = Scale(_where(numbers, inputs.means, 0.0), _where(numbers, inputs.deviations, 1.0))
    return Statistics(inputs, targets)


def _unit(features: int) -> Scale:
    return Scale((0.0,) * features, (1.0,) * features)


def _scale(values: np.ndarray, rows: np.ndarray) -> Scale:
    features = values.shape[-1]
    count, total, squares = np.zeros(features), np.zeros(features), np.zeros(features)
    # The first row is near enough to the mean to keep the squares from drowning what differs.
    shift = np.nan_to_num(np.asarray(values[rows[:1]], np.float64).reshape(-1, features)[0])
    for start in range(0, len(rows), CHUNK_ROWS):
        part = np.asarray(values[rows[start : start + CHUNK_ROWS]], np.float64).reshape(-1, features) - shift
        present = ~np.isnan(part)
        part = np.where(present, part, 0.0)
        count += present.sum(0)
        total += part.sum(0)
        squares += np.square(part).sum(0)
    count = np.maximum(count, 1)
    means = total / count
    deviations = np.sqrt(np.maximum(squares / count - np.square(means), 0.0))
    # What never changes is only moved to 0.
    deviations = np.where(deviations > 1e-12 * np.maximum(1.0, np.abs(shift)), deviations, 1.0)
    return Scale(tuple((means + shift).tolist()), tuple(deviations.tolist()))


def _where(chosen: list[bool], values: Numbers, otherwise: float) -> Numbers:
    return tuple(value if is_chosen else otherwise for is_chosen, value in zip(chosen, values, strict=True))
