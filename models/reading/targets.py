"""Targets: what is to be predicted of each row, as classes or as values, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.reading.bins import bin_edges
from models.reading.classes import read_classes
from models.reading.errors import BadData
from models.reading.limits import MAX_TARGETS, MAX_VALUE
from models.reading.options import ReadingOptions
from models.reading.source import Part, Source, TargetKind

_OPTION = "options.target_kind"


@dataclass(frozen=True)
class Target:
    """``values`` are class indices, ``int64[rows]``, with ``labels``; ``float32[rows, targets]``; or None."""

    values: np.ndarray | None = None
    labels: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def classes(self) -> np.ndarray | None:
        """The class indices, if rows have classes."""
        return self.values if self.labels else None


def read_target(source: Source, options: ReadingOptions) -> Target:
    """Return the targets of all rows, in the order of the parts.

    What they are is said by the options, known from the source, or found: images have classes; elsewhere
    text, truth values and whole numbers are classes, fractions are values.
    """
    kind = _kind(source, options)
    if kind == "none":
        return Target()
    for part in source.parts:
        _check_count(part)
    if kind == "classes":
        classes, labels = read_classes(source.parts, options.labels or source.labels)
        return Target(classes, labels=labels)
    values = np.concatenate(_agreeing([_values(part) for part in source.parts], source.parts))
    return Target(values, names=_names(source, values.shape[1]))


def _kind(source: Source, options: ReadingOptions) -> TargetKind:
    if options.target_kind == "none":
        return "none"
    first = source.rows
    if first.y is None:
        if options.target_kind is not None or options.labels is not None:
            raise BadData(
                f"{options.target_kind or 'classes'} were asked for, but the rows have no target.",
                "Add the targets to the file, or leave the option out.",
                _OPTION if options.target_kind else "options.labels",
            )
        return "none"
    if options.target_kind is not None:
        return options.target_kind
    if options.labels is not None or source.kind == "images":
        return "classes"
    return source.target_kind or ("values" if first.y.dtype.kind == "f" else "classes")


def _check_count(part: Part) -> None:
    assert part.y is not None, "parts agree in whether they have targets"
    if part.y.ndim == 0 or len(part.x) != len(part.y):
        rows = f"{len(part.y):,}" if part.y.ndim else "none"
        raise BadData(
            f"{part.x_name} has {len(part.x):,} rows but {part.y_name} has {rows}.",
            "Each row needs exactly one target.",
            part.y_name,
        )


def _agreeing(values: list[np.ndarray], parts: Sequence[Part]) -> list[np.ndarray]:
    for own, part in zip(values, parts, strict=True):
        if own.shape[1] != values[0].shape[1]:
            raise BadData(
                f"{part.y_name} has {own.shape[1]} values a row, but {parts[0].y_name} {values[0].shape[1]}.",
                "Prepare training and test rows in the same way.",
                part.y_name,
            )
    return values


def _values(part: Part) -> np.ndarray:
    y = np.asarray(part.y)
    if y.dtype.kind not in "buif" or y.ndim > 2:
        what = "text" if y.dtype.kind == "U" else f"an array of shape {list(y.shape)}"
        raise BadData(
            f"{part.y_name} holds {what}; values, [rows] or [rows, values] of numbers, were expected.",
            "If these are classes, give target_kind=classes.",
            part.y_name,
        )
    y = y[:, None] if y.ndim == 1 else y
    if y.shape[1] > MAX_TARGETS:
        raise BadData(
            f"{part.y_name} has {y.shape[1]:,} values a row; at most {MAX_TARGETS}.", None, part.y_name
        )
    bad = ~(np.abs(y.astype(np.float64)) <= MAX_VALUE).all(axis=1)
    if bad.any():
        raise BadData(
            f"{part.y_name} holds a value that is missing, infinite or beyond ±{MAX_VALUE:g}, first in row"
            f" {int(bad.argmax())}.",
            "Remove these rows or replace the values.",
            part.y_name,
        )
    return y.astype(np.float32)


def _names(source: Source, count: int) -> list[str]:
    if len(source.targets) == count:
        return list(source.targets)
    name = source.rows.y_name.removesuffix("_train")
    return [name] if count == 1 else [f"{name}_{number}" for number in range(1, count + 1)]


def target_profile(target: Target, test_rows: np.ndarray) -> dict[str, Any]:
    """Return what is shown of the targets: counts of classes, or figures of each value."""
    if target.values is None:
        return {}
    if target.labels:
        return {
            "classes": counts(target.values, target.labels),
            "test_classes": counts(target.values[test_rows], target.labels),
        }
    return {
        "targets": [
            {"name": name, **figures(column)}
            for name, column in zip(target.names, target.values.T, strict=True)
        ]
    }


def target_warnings(target: Target) -> list[str]:
    """Return what a person should know of the targets before training."""
    if target.values is None:
        return []
    if target.labels:
        empty = int((np.bincount(target.values, minlength=len(target.labels)) == 0).sum())
        return [f"{empty} of {len(target.labels)} classes have no row."] if empty else []
    constant = [
        name for name, column in zip(target.names, target.values.T, strict=True) if np.ptp(column) == 0
    ]
    return [f"{name} has the same value in all rows: there is nothing to learn." for name in constant]


def counts(classes: np.ndarray, labels: Sequence[str]) -> dict[str, int]:
    """Return how many rows each class has."""
    found = np.bincount(classes, minlength=len(labels))
    return {label: int(count) for label, count in zip(labels, found, strict=True)}


def figures(values: np.ndarray) -> dict[str, Any]:
    """Return range, mean, spread and histogram of numbers; those that are missing (NaN) are counted."""
    known = values[~np.isnan(values)].astype(np.float64)
    missing = len(values) - len(known)
    if not len(known):
        return {"missing": missing}
    bins, edges = np.histogram(known, bin_edges(float(known.min()), float(known.max())))
    return {
        "missing": missing,
        "min": float(known.min()),
        "max": float(known.max()),
        "mean": float(known.mean()),
        "std": float(known.std()),
        "histogram": {"counts": bins.tolist(), "edges": edges.tolist()},
    }
