"""The pictures of a version: training curves, confusion of classes, the hardest rows. PNG by matplotlib.

Figures are made as objects: the customary ``pyplot`` keeps state of its own and looks for a screen.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.schema import ImageSchema

# What is drawn of a classifier's epochs.
CLASSIFIED = ("loss", "accuracy")

_DPI = 120
INK, FAINT = "#26313d", "#dde3e9"
TRAINING, VALIDATION = "#2f6fb0", "#e0813a"
RIGHT, WRONG = "#2f6fb0", "#c2571a"
# Beyond this the counts, beyond that the names, would not be legible.
_COUNTED_CLASSES, _NAMED_CLASSES = 20, 40
_LABEL_CHARACTERS = 14
_THUMBNAIL_PIXELS = 256
_COLUMNS = 8
# Inches.
_TILE, _CAPTION, _HEADING = 1.3, 0.42, 0.35


def draw_confusion(report: Mapping[str, Any], path: Path) -> None:
    """Draw how often each true class was taken for each other: right in blue, mistakes in orange."""
    labels = [short(each["label"]) for each in report["classes"]]
    counts = np.array(report["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(3.2 + 0.42 * len(labels), 11.0)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(_confusion_colours(shares), interpolation="nearest")
    if len(labels) <= _COUNTED_CLASSES:
        _write_counts(axes, counts, shares)
    if len(labels) <= _NAMED_CLASSES:
        _name_classes(axes, labels)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.set_xlabel("predicted class", color=INK)
    axes.set_ylabel("true class", color=INK)
    axes.set_title(f"{report['accuracy']:.1%} of {report['rows']:,} rows right", color=INK, pad=12)
    save(figure, path)


def draw_curves(
    epochs: Sequence[Mapping[str, Any]], path: Path, *, names: Sequence[str] = CLASSIFIED
) -> None:
    """Draw figures by epoch; each of ``epochs`` holds ``epoch`` and its figures, NaN as None."""
    figure = Figure(figsize=(4.5 * len(names), 3.6), layout="constrained")
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), place)
        for key, label, colour in (
            (name, "training", TRAINING),
            (f"val_{name}", "validation", VALIDATION),
        ):
            points = [(each["epoch"], each[key]) for each in epochs if each.get(key) is not None]
            if points:
                axes.plot(*zip(*points, strict=True), color=colour, label=label, marker="o", markersize=3)
        axes.set_title(name.replace("_", " "), color=INK)
        axes.set_xlabel("epoch", color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        style(axes)
        if axes.lines:
            axes.legend(frameon=False, labelcolor=INK)
    save(figure, path)


def draw_worst(report: Mapping[str, Any], x: np.ndarray, image: ImageSchema, path: Path) -> None:
    """Draw the rows that the network found hardest; ``x`` is the whole dataset."""
    worst = report["worst"]
    width = _TILE * max(4, min(_COLUMNS, len(worst)))
    lines = -(-len(worst) // _COLUMNS)
    height = _HEADING + lines * (_TILE + _CAPTION)
    figure = Figure(figsize=(width, height))
    # One pair of axes for all, in inches from the upper left corner: two dozen of them take their time.
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    heading = "hardest rows: true class → predicted class"
    axes.text(width / 2, _HEADING / 2, heading, ha="center", va="center", color=INK, fontsize=11)
    for place, each in enumerate(worst):
        line, column = divmod(place, _COLUMNS)
        middle, top = _TILE * (column + 0.5), _HEADING + line * (_TILE + _CAPTION)
        right = each["label"] == each["predicted"]
        seen = "" if right else f" → {short(each['predicted'])}"
        axes.text(
            middle,
            top + _CAPTION - 0.04,
            f"{short(each['label'])}{seen}\n{each['probability']:.0%}, row {each['row']}",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=RIGHT if right else WRONG,
            parse_math=False,
        )
        _show(axes, thumbnail(x[each["row"]], image), middle, top + _CAPTION)
    save(figure, path)


def _show(axes: Axes, pixels: np.ndarray, middle: float, top: float) -> None:
    """Show a thumbnail in the square below ``top``, as large as its proportions allow."""
    scale = 0.94 * _TILE / max(pixels.shape[:2])
    height, width = pixels.shape[0] * scale, pixels.shape[1] * scale
    extent = (middle - width / 2, middle + width / 2, top + height, top)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=extent, aspect="auto")


def _confusion_colours(shares: np.ndarray) -> np.ndarray:
    """Return ``[classes, classes, 4]``: mistakes are rare, so their colours have a scale of their own."""
    right = np.eye(len(shares), dtype=bool)
    most = shares[~right].max(initial=0.0)
    mistakes = colormaps["Oranges"](0.55 * shares / most if most else shares)
    colours: np.ndarray = np.where(right[..., None], colormaps["Blues"](0.9 * shares), mistakes)
    colours[(shares == 0) & ~right] = (0.965, 0.973, 0.98, 1)
    return colours


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    for (true, predicted), count in np.ndenumerate(counts):
        if count:
            dark = true == predicted and shares[true, predicted] > 0.5
            axes.text(
                predicted, true, f"{count}", ha="center", va="center", fontsize=9,
                color="white" if dark else INK,
            )  # fmt: skip
    edges = np.arange(len(counts) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)


def _name_classes(axes: Axes, labels: list[str]) -> None:
    turned = 90 if max(len(label) for label in labels) > 3 else 0
    axes.set_xticks(range(len(labels)), labels, rotation=turned, parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)


def thumbnail(row: np.ndarray, image: ImageSchema) -> np.ndarray:
    """Return an image in 0..1, no larger than it is drawn, without the axis of colours where it is grey."""
    step = -(-max(row.shape[:2]) // _THUMBNAIL_PIXELS)
    pixels = (row[::step, ::step].astype(np.float64) - image.low) / (image.high - image.low)
    return pixels[..., 0] if pixels.shape[-1] == 1 else np.clip(pixels, 0, 1)


def short(label: str) -> str:
    """Return a label that is no longer than there is room for."""
    return label if len(label) <= _LABEL_CHARACTERS else label[: _LABEL_CHARACTERS - 1] + "…"


def style(axes: Axes) -> None:
    """Give axes a faint grid and no frame."""
    axes.grid(color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, the same bytes for the same figure."""
    FigureCanvasAgg(figure)
    figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
