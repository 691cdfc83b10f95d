"""Pictures of a classifier's probabilities: how they rank rows, and whether they can be believed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.pictures import FAINT, INK, TRAINING, VALIDATION, save, short, style
from models.ranking import Ranking

# More curves than these cannot be told apart: then their mean alone is drawn.
_NAMED, _DRAWN = 10, 20


def draw_ranking(ranking: Ranking, path: Path) -> None:
    """Draw the receiver operating characteristic and precision by recall, each class against the rest."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    content = ranking.content["macro"] or {"auroc": 0.0, "average_precision": 0.0}
    left.plot([0, 1], [0, 1], color=FAINT, linewidth=2)
    _draw_curves(left, ranking.labels, ranking.found)
    _draw_curves(right, ranking.labels, ranking.precision)
    _name(left, f"AUROC {content['auroc']:.3f}", "others taken for the class", "found of the class")
    _name(right, f"average precision {content['average_precision']:.3f}", "found (recall)", "precision")
    if ranking.labels:
        # Both have the same curves, and there is room where neither curve goes.
        legend = left.legend(frameon=False, labelcolor=INK, fontsize=8, loc="lower right", ncols=2)
        for text in legend.get_texts():
            text.set_parse_math(False)
    save(figure, path)


def draw_calibration(calibration: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy by confidence, which is a diagonal where confidence can be believed, and rows by it."""
    bins = [each for each in calibration["bins"] if each["rows"]]
    middles = [(each["from"] + each["to"]) / 2 for each in bins]
    width = 0.94 * (bins[0]["to"] - bins[0]["from"]) if bins else 0.1
    figure = Figure(figsize=(5, 5.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.bar(middles, [each["accuracy"] for each in bins], width, color=TRAINING, alpha=0.8)
    upper.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--")
    upper.plot(
        [each["confidence"] for each in bins],
        [each["accuracy"] for each in bins],
        color=VALIDATION,
        marker="o",
        markersize=4,
        linewidth=1.2,
    )
    _name(upper, f"expected calibration error {calibration['expected_error']:.3f}", "", "accuracy")
    lower.bar(middles, [each["rows"] for each in bins], width, color=TRAINING, alpha=0.8)
    lower.set_xlabel("confidence", color=INK)
    lower.set_ylabel("rows", color=INK)
    style(lower)
    save(figure, path)


def _draw_curves(axes: Axes, labels: list[str], curves: np.ndarray) -> None:
    places = np.linspace(0, 1, curves.shape[1])
    if 1 < len(labels) <= _DRAWN:
        palette = colormaps["tab10" if len(labels) <= _NAMED else "tab20"]
        for number, (label, curve) in enumerate(zip(labels, curves, strict=True)):
            name = short(label) if len(labels) <= _NAMED else None
            axes.plot(places, curve, color=palette(number), linewidth=0.9, alpha=0.8, label=name)
    if labels:
        mean = "mean" if len(labels) > 1 else short(labels[0])
        axes.plot(places, curves.mean(axis=0), color=INK, linewidth=2, label=mean)


def _name(axes: Axes, title: str, below: str, beside: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_title(title, color=INK, fontsize=11)
    axes.set_xlabel(below, color=INK)
    axes.set_ylabel(beside, color=INK)
    style(axes)
