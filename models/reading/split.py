"""Which rows are kept for the report: fixed once for a dataset version, never seen in training."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.reading.errors import BadData
from models.reading.options import ReadingOptions
from models.reading.source import Source


@dataclass(frozen=True)
class Split:
    """The test rows, sorted ``int64[n]``, and how they were chosen."""

    test_rows: np.ndarray
    description: dict[str, Any]
    warnings: tuple[str, ...] = ()


def split_rows(source: Source, classes: np.ndarray | None, options: ReadingOptions) -> Split:
    """Split as the source does; else as the options say. ``classes`` is None where rows have none."""
    if source.test is not None:
        return given_split(len(source.rows.x), len(source.test.x))
    if options.split == "last" or (options.split is None and source.in_order):
        return _last_split(source, options)
    if options.split == "hash":
        return _hash_split(source, options)
    return cut_split(np.zeros(source.count, np.int64) if classes is None else classes, options)


def given_split(train: int, test: int) -> Split:
    """Return the split of a file that brings its own test rows, which stand behind the others."""
    return Split(np.arange(train, train + test), {"method": "given", **_counts(train, test)})


def cut_split(classes: np.ndarray, options: ReadingOptions) -> Split:
    """Cut test rows by the options' fraction, rounded up.

    Stratified where every class can have a row on both sides; a class of one row stays in training.
    """
    sizes = np.bincount(classes)
    rows = np.arange(len(classes))
    count = _test_count(len(rows), options)
    shareable = rows[sizes[classes] > 1]
    possible = int((sizes > 1).sum()) <= min(count, len(shareable) - count)
    wanted = options.stratified and len(sizes) > 1
    stratified = wanted and possible

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
    warnings = _warnings(sizes, stratified) if wanted else ()
    return Split(np.sort(test_rows).astype(np.int64), description, warnings)


def _last_split(source: Source, options: ReadingOptions) -> Split:
    """Keep the last rows of the file, or those with the greatest values in the split column."""
    by = source.split_by
    order = np.arange(source.count) if by is None else np.argsort(by, kind="stable")
    count = _test_count(source.count, options)
    description = {"method": "last", "test_fraction": options.test_fraction}
    if options.split_column is not None:
        description["split_column"] = options.split_column
    return Split(np.sort(order[-count:]), description | _counts(source.count - count, count))


def _hash_split(source: Source, options: ReadingOptions) -> Split:
    """Keep rows by a hash of their value, so that one value is on one side, in later versions as well."""
    assert source.split_by is not None, "options that ask for a hash name a column"
    distinct, positions = np.unique(source.split_by, return_inverse=True)
    chosen = np.array([_share(value, options.seed) < options.test_fraction for value in distinct.tolist()])
    test_rows = np.flatnonzero(chosen[positions])
    if not 0 < len(test_rows) < source.count:
        raise BadData(
            f"A hash of {options.split_column} puts all rows on one side: it has {len(distinct):,} different"
            " values.",
            "Use a column with more values, another seed, or another test_fraction.",
            "options.split_column",
        )
    description = {
        "method": "hash",
        "split_column": options.split_column,
        "test_fraction": options.test_fraction,
        "seed": options.seed,
        **_counts(source.count - len(test_rows), len(test_rows)),
    }
    return Split(test_rows, description)


def _share(value: str | float, seed: int) -> float:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=str(seed).encode()).digest()
    return int.from_bytes(digest) / 2**64


def _test_count(rows: int, options: ReadingOptions) -> int:
    return math.ceil(rows * options.test_fraction)


def _warnings(sizes: np.ndarray, stratified: bool) -> tuple[str, ...]:
    alone = int((sizes == 1).sum())
    if not stratified:
        return ("There are too few rows to give each class a test row; they were drawn at random.",)
    return (f"{alone} classes have a single row, which stays in training.",) if alone else ()


def _counts(train: int, test: int) -> dict[str, int]:
    return {"train_rows": train, "test_rows": test}
