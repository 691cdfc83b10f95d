"""Which rows are kept for the report: fixed once for a dataset version, never seen in training."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.reading.options import ReadingOptions


@dataclass(frozen=True)
class Split:
    """The test rows, sorted ``int64[n]``, and how they were chosen."""

    test_rows: np.ndarray
    description: dict[str, Any]
    warnings: tuple[str, ...] = ()


def given_split(train: int, test: int) -> Split:
    """Return the split of a file that brings its own test rows, which stand behind the others."""
    return Split(np.arange(train, train + test), {"method": "given", **_counts(train, test)})


def cut_split(classes: np.ndarray, options: ReadingOptions) -> Split:
    """Cut test rows by the options' fraction, rounded up.

    Stratified where every class can have a row on both sides; a class of one row stays in training.
    """
    sizes = np.bincount(classes)
    rows = np.arange(len(classes))
    count = math.ceil(len(rows) * options.test_fraction)
    shareable = rows[sizes[classes] > 1]
    stratified = options.stratified and int((sizes > 1).sum()) <= min(count, len(shareable) - count)

    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - heavy, and not for `given_split`

    _, test_rows = train_test_split(
        shareable if stratified else rows,
        test_size=count,
        random_state=options.seed,
        stratify=classes[shareable] if stratified else None,
    )
    description = {
        "method": "stratified" if stratified else "random",
        "test_fraction": options.test_fraction,
        "seed": options.seed,
        **_counts(len(rows) - count, count),
    }
    warnings = _warnings(sizes, stratified) if options.stratified else ()
    return Split(np.sort(test_rows).astype(np.int64), description, warnings)


def _warnings(sizes: np.ndarray, stratified: bool) -> tuple[str, ...]:
    alone = int((sizes == 1).sum())
    if not stratified:
        return ("There are too few rows to give each class a test row; they were drawn at random.",)
    return (f"{alone} classes have a single row, which stays in training.",) if alone else ()


def _counts(train: int, test: int) -> dict[str, int]:
    return {"train_rows": train, "test_rows": test}
