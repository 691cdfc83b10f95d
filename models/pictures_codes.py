"""Pictures of what an autoencoder makes of rows: where their codes lie, and how large errors are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from models.pictures import INK, TRAINING, VALIDATION, WRONG, save, short, style

_BINS = 40
_COLOURS = (TRAINING, VALIDATION)
# More classes than these have no colours that can be told apart.
_FEW, _MANY = 10, 20


def draw_errors(errors: Mapping[str, np.ndarray], threshold: float, path: Path) -> None:
    """Draw histograms of the errors, ``[rows]``, of one or two sorts of rows by name, and the threshold."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    everything = np.concatenate([threshold * np.ones(1), *errors.values()])
    # A few errors that are very large would push all others into one bar.
    most = max(threshold * 1.05, float(np.quantile(everything, 0.995)))
    edges = np.linspace(float(everything.min()), most, _BINS).tolist()
    for (name, values), colour in zip(errors.items(), _COLOURS, strict=False):
        axes.hist(np.minimum(values, most), bins=edges, color=colour, alpha=0.7, label=name or None)
    axes.axvline(threshold, color=WRONG, linewidth=1.5, linestyle="--", label=f"threshold {threshold:.3g}")
    axes.set_xlabel("error of a row", color=INK)
    axes.set_ylabel("rows", color=INK)
    style(axes)
    axes.legend(frameon=False, labelcolor=INK)
    save(figure, path)


def draw_codes(codes: np.ndarray, classes: np.ndarray | None, labels: Sequence[str], path: Path) -> None:
    """Draw codes, ``[rows, latent]``, in the plane; of more than two numbers, their principal components."""
    points, names = in_the_plane(codes)
    figure = Figure(figsize=(7.2 if classes is not None else 6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    if classes is None or len(labels) > _MANY:
        colours = TRAINING if classes is None else colormaps["viridis"](classes / max(1, len(labels) - 1))
        axes.scatter(points[:, 0], points[:, 1], s=9, c=colours, alpha=0.7, linewidths=0)
    else:
        palette = colormaps["tab10" if len(labels) <= _FEW else "tab20"]
        for number, label in enumerate(labels):
            own = points[classes == number]
            axes.scatter(
                own[:, 0], own[:, 1], s=9, color=palette(number), alpha=0.7, linewidths=0, label=short(label)
            )
        legend = axes.legend(
            frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    axes.set_xlabel(names[0], color=INK)
    axes.set_ylabel(names[1], color=INK)
    axes.set_title(f"codes of {len(codes):,} rows", color=INK, fontsize=11)
    style(axes)
    save(figure, path)


def in_the_plane(codes: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Return two numbers for each of some codes, ``[rows, 2]``, and what either is."""
    if codes.shape[1] == 1:
        return np.column_stack([codes, np.zeros(len(codes))]), ("code 1", "")
    if codes.shape[1] == 2:
        return codes, ("code 1", "code 2")
    centred = codes.astype(np.float64) - codes.mean(axis=0)
    scores, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(codes), 2))
    found = (scores * sizes)[:, :2]
    points[:, : found.shape[1]] = found
    shares = np.zeros(2)
    shares[: len(sizes[:2])] = np.square(sizes[:2]) / max(float(np.square(sizes).sum()), 1e-30)
    first, second = (f"principal component {n + 1} ({share:.0%})" for n, share in enumerate(shares))
    return points, (first, second)
