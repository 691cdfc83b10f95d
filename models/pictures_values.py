"""Pictures of values that were predicted: residuals of a regression, forecasts of sequences."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.pictures import FAINT, INK, TRAINING, VALIDATION, save, short, style

_TARGETS, _FEATURES, _EXAMPLES = 4, 3, 4
_LINE_ROWS = 120
_BINS = 30
_SHOWN_POINTS = 5_000


def draw_residuals(true: np.ndarray, values: np.ndarray, names: Sequence[str], path: Path) -> None:
    """Draw predicted against true values, ``[rows, targets]``, and residuals, of the first few targets."""
    names = names[:_TARGETS]
    figure = Figure(figsize=(max(4.2 * len(names), 4.2), 6.2), layout="constrained")
    grid = figure.subplots(2, len(names), squeeze=False, height_ratios=(2, 1))
    step = -(-len(true) // _SHOWN_POINTS)
    for place, name in enumerate(names):
        upper, lower = grid[:, place]
        bounds = [float(true[:, place].min()), float(true[:, place].max())]
        upper.plot(bounds, bounds, color=FAINT, linewidth=2)
        upper.plot(true[::step, place], values[::step, place], "o", color=TRAINING, markersize=3, alpha=0.6)
        _name(upper, short(name), "true", "predicted")
        errors = values[:, place] - true[:, place]
        lower.hist(errors, bins=_BINS, color=TRAINING, alpha=0.8)
        lower.axvline(0, color=INK, linewidth=1)
        _name(lower, "", "predicted - true", "rows")
    save(figure, path)


def draw_forecasts(
    sequences: np.ndarray, true: np.ndarray, values: np.ndarray, rows: np.ndarray, path: Path
) -> None:
    """Draw forecasts beside the truth, ``[rows, features]``, row by row; and some ``sequences`` in whole.

    ``rows`` are the numbers that the rows have in the dataset.
    """
    features = min(_FEATURES, true.shape[1])
    figure = Figure(figsize=(10, 2.1 * features + 2.4), layout="constrained")
    grid = figure.add_gridspec(features + 1, _EXAMPLES)
    for feature in range(features):
        axes = figure.add_subplot(grid[feature, :])
        shown = slice(-_LINE_ROWS, None)
        axes.plot(true[shown, feature], color=INK, linewidth=1.2, label="truth")
        axes.plot(values[shown, feature], color=VALIDATION, linewidth=1.2, label="forecast")
        is_last = feature == features - 1
        _name(axes, f"feature {feature + 1}", "rows" if is_last else "", "last step")
        if feature == 0:
            axes.legend(frameon=False, labelcolor=INK, ncols=2, loc="upper right")
    places = np.unique(np.linspace(0, len(sequences) - 1, _EXAMPLES).astype(int))
    for column, place in enumerate(places):
        axes = figure.add_subplot(grid[features, column])
        _draw_example(axes, sequences[place, :, 0], true[place, 0], values[place, 0])
        _name(axes, f"feature 1 of row {rows[place]}", "step", "")
    save(figure, path)


def _draw_example(axes: Axes, sequence: np.ndarray, true: float, value: float) -> None:
    steps = np.flatnonzero(~np.isnan(sequence))
    last = int(steps[-1]) if len(steps) else 0
    axes.plot(steps + 1, sequence[steps], color=TRAINING, linewidth=1.2)
    axes.plot(last + 1, true, "o", color=INK, markersize=5)
    axes.plot(last + 1, value, "o", color=VALIDATION, markersize=5)


def _name(axes: Axes, title: str, below: str, beside: str) -> None:
    axes.set_title(title, color=INK, fontsize=10, parse_math=False)
    axes.set_xlabel(below, color=INK)
    axes.set_ylabel(beside, color=INK)
    style(axes)
