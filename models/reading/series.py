"""Tables of steps in time to sequences: one for each value of a column, or one series cut into blocks."""

from collections.abc import Sequence

import numpy as np

from models.reading.columns import Values, mistakes, target_values, weights_of
from models.reading.errors import BadData, shown
from models.reading.limits import MAX_STEPS
from models.reading.options import ReadingOptions
from models.reading.source import Part, Source, TargetKind
from models.reading.tables import check_numbers

_LENGTH = 100


def series_source(
    columns: Sequence[Values], options: ReadingOptions, warnings: Sequence[str], max_bytes: int
) -> Source:
    """Return the sequences of a table of which each line is a step; its names were checked.

    Steps belong together that have one value in ``sequence_column``; without one the table is a single
    series, cut into blocks. They stand in the order of ``time_column``, by default in that of the file.
    """
    by_name = {column.name: column for column in columns}
    targets = options.target or []
    aside = {*targets, options.sequence_column, options.time_column, options.weight}
    features = [column for column in columns if column.name not in aside]
    _check_features(features)
    order, numbers = _ordered(by_name, options, len(columns[0].numbers))
    y, kind = _targets([by_name[name] for name in targets], order, numbers, options)
    weights = weights_of(columns, options)
    if weights is not None:
        _require_sequences("weight", options)
        weights = _of_sequences(weights, f"The weight {shown(options.weight)}", order, numbers)
    x = _stacked(features, order, numbers, max_bytes)
    return Source(
        Part(
            x,
            y,
            "the table",
            targets[0] if targets else "y",
            weights=weights,
        ),
        kind="sequences",
        targets=tuple(targets),
        target_kind=kind,
        in_order=options.sequence_column is None,
        warnings=tuple(warnings),
    )


def _check_features(features: Sequence[Values]) -> None:
    if not features:
        raise BadData(
            "No column is left that could be a feature.", "Check target, ignore and the columns named."
        )
    for column in features:
        if column.texts is not None:
            raise BadData(
                " ".join(
                    [
                        f"The column {shown(column.name)} holds text; the features of a step are numbers.",
                        *mistakes(column),
                    ]
                ),
                "Leave it out with options.ignore, or name it in target or sequence_column.",
                column.name,
            )
        check_numbers(_known(column), column.name)


def _known(column: Values) -> np.ndarray:
    """Return the numbers of a column in which none may be missing."""
    missing = np.isnan(column.numbers)
    if missing.any():
        raise BadData(
            f"The column {shown(column.name)} is missing in row {int(missing.argmax())}, the first of"
            f" {int(missing.sum()):,}.",
            "Fill in what is missing, or leave the column out with options.ignore.",
            column.name,
        )
    return column.numbers


def _times(column: Values) -> np.ndarray:
    if column.texts is not None:
        raise BadData(
            " ".join(
                [f"The time {shown(column.name)} is text; numbers or dates were expected.", *mistakes(column)]
            ),
            "Write dates as 2026-01-31 or 2026-01-31 12:00:00.",
            column.name,
        )
    return _known(column)


def _ordered(by_name: dict[str, Values], options: ReadingOptions, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows in the order of their sequences and steps, and the number of each one's sequence."""
    order = np.arange(rows)
    if options.time_column is not None:
        order = np.argsort(_times(by_name[options.time_column]), kind="stable")
    if options.sequence_column is None:
        return order, np.arange(rows) // (options.length or _LENGTH)
    # Sequences are numbered as they first appear in the file.
    _, first, places = np.unique(
        _known(by_name[options.sequence_column]), return_index=True, return_inverse=True
    )
    numbers = np.argsort(np.argsort(first))[places][order]
    together = np.argsort(numbers, kind="stable")
    return order[together], numbers[together]


def _targets(
    columns: Sequence[Values], order: np.ndarray, numbers: np.ndarray, options: ReadingOptions
) -> tuple[np.ndarray | None, TargetKind | None]:
    """Return the target of each sequence, which all its steps should tell alike, and what it is."""
    y, kind = target_values(columns)
    if y is None:
        return None, None
    _require_sequences("target", options)
    for column in columns:
        _of_sequences(column.numbers, f"The target {shown(column.name)}", order, numbers)
    return y[_first_steps(order, numbers)], kind


def _require_sequences(what: str, options: ReadingOptions) -> None:
    if options.sequence_column is None:
        raise BadData(
            f"A {what} is of a whole sequence, and the table is one.",
            f"Say with options.sequence_column which rows are one sequence, or name no {what}.",
            f"options.{what}",
        )


def _of_sequences(values: np.ndarray, what: str, order: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the value of each sequence, which all its steps should tell alike."""
    own: np.ndarray = values[_first_steps(order, numbers)]
    differs = values[order] != own[numbers]
    if differs.any():
        raise BadData(
            f"{what} changes within a sequence, in row {int(order[differs.argmax()])}.",
            "It should be the same in all rows of a sequence.",
        )
    return own


def _first_steps(order: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    first: np.ndarray = order[np.searchsorted(numbers, np.arange(numbers[-1] + 1))]
    return first


def _stacked(
    features: Sequence[Values], order: np.ndarray, numbers: np.ndarray, max_bytes: int
) -> np.ndarray:
    """Return sequences, ``float32[sequences, steps, features]``, padded at the end with NaN."""
    counts = np.bincount(numbers)
    shape = (len(counts), int(counts.max()), len(features))
    if shape[1] > MAX_STEPS or 4 * shape[0] * shape[1] * shape[2] > max_bytes:
        raise BadData(
            f"The table has {shape[0]:,} sequences of up to {shape[1]:,} steps of {shape[2]:,} features;"
            f" at most {MAX_STEPS:,} steps and {max_bytes:,} bytes are read.",
            "Cut sequences into shorter ones, or send fewer.",
        )
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    steps = np.arange(len(numbers)) - starts[numbers]
    x = np.full(shape, np.nan, np.float32)
    for place, column in enumerate(features):
        x[numbers, steps, place] = column.numbers[order]
    return x
