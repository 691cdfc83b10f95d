"""Columns of a table as they were read, and which of them are inputs, target or neither."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.reading.errors import BadData, shown
from models.reading.limits import FEW_INTEGERS, MAX_COLUMNS, MAX_LABEL_CHARACTERS
from models.reading.options import ReadingOptions
from models.reading.source import Part, RawColumn, Source, TargetKind
from models.reading.weights import check_weights

# Of rows that hold no number, in a column that holds numbers otherwise.
_FEW_WRONG = 0.05
_TARGET_NAMES = ("target", "label", "class", "y")
# Options that name columns.
_NAMING = ("target", "categories", "ignore", "split_column", "sequence_column", "time_column", "weight")


@dataclass(frozen=True)
class Values:
    """One column: ``numbers``, ``float64[rows]``, NaN where missing; of text the positions in ``texts``.

    ``whole`` says that the numbers are whole by their type.
    """

    name: str
    numbers: np.ndarray
    texts: Sequence[str] | None = None
    whole: bool = False


def check_names(names: Sequence[str], options: ReadingOptions) -> None:
    """Refuse columns without names of their own, and options that name a column that is not there."""
    if len(names) > MAX_COLUMNS:
        raise BadData(f"The table has {len(names):,} columns; at most {MAX_COLUMNS:,} are read.")
    for name in names:
        if not name.strip() or len(name) > MAX_LABEL_CHARACTERS or not name.isprintable():
            raise BadData(
                f"Column {names.index(name) + 1} is called {shown(name)}; 1 to {MAX_LABEL_CHARACTERS}"
                " printable characters were expected.",
                "The first line names the columns.",
            )
    if len(set(names)) != len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise BadData(f"Two columns are called {shown(twice)}.", "Give each column a name of its own.", twice)
    if names and all(_is_number(name) for name in names):
        raise BadData(
            f"The first line holds numbers ({shown(names[0])}, …); it should name the columns.",
            "Add a line with the columns' names.",
        )
    _check_options(names, options)


def _check_options(names: Sequence[str], options: ReadingOptions) -> None:
    for option in _NAMING:
        named = getattr(options, option) or ()
        for name in [named] if isinstance(named, str) else named:
            if name not in names:
                listed = ", ".join(shown(each) for each in names[:10]) + (", …" if len(names) > 10 else "")
                raise BadData(
                    f"{option} names the column {shown(name)}; the table has {listed}.",
                    None,
                    f"options.{option}",
                )


def target_names(names: Sequence[str], options: ReadingOptions) -> tuple[list[str], list[str]]:
    """Return the names of the target's columns, and warnings where they had to be guessed."""
    if options.target is not None:
        return options.target, []
    if options.target_kind == "none":
        return [], []
    aside = {*(options.ignore or ()), options.split_column, options.weight}
    left = [name for name in names if name not in aside]
    for wanted in _TARGET_NAMES:
        for name in left:
            if name.strip().lower() == wanted:
                return [name], []
    return left[-1:], [
        f"No target was named: the last column, {shown(name)}, is to be predicted. If that is wrong, give"
        " options.target, or target_kind=none."
        for name in left[-1:]
    ]


def table_source(columns: Sequence[Values], options: ReadingOptions, warnings: Sequence[str] = ()) -> Source:
    """Return the rows of a table, of which the names were checked."""
    names = [column.name for column in columns]
    texts = options.categories or ()
    by_name = {column.name: _as_texts(column) if column.name in texts else column for column in columns}
    targets, told = target_names(names, options)
    aside = {*targets, *(options.ignore or ()), options.split_column, options.weight}
    told = [*warnings, *told]
    inputs = [by_name[name] for name in names if name not in aside]
    told += [warning for column in columns if column.name not in texts for warning in mistakes(column)]
    empty = [column.name for column in inputs if np.isnan(column.numbers).all()]
    if empty:
        told.append(f"Without a single value, and left out: {', '.join(shown(name) for name in empty)}.")
        inputs = [column for column in inputs if column.name not in empty]
    if not inputs:
        raise BadData("No column is left that could be an input.", "Check target, ignore and split_column.")
    y, kind = target_values([by_name[name] for name in targets])
    part = Part(
        np.column_stack([column.numbers for column in inputs]),
        None if options.target_kind == "none" else y,
        "the table",
        targets[0] if targets else "y",
        weights=weights_of([*by_name.values()], options),
    )
    split_by = by_name[options.split_column] if options.split_column else None
    return Source(
        part,
        kind="table",
        columns=tuple(RawColumn(column.name, column.texts) for column in inputs),
        targets=tuple(targets),
        target_kind=kind,
        split_by=None if split_by is None else _split_values(split_by),
        warnings=tuple(told),
    )


def mistakes(column: Values) -> list[str]:
    """Return a warning of a column of text of which nearly all is numbers: the rest may be mistakes."""
    if column.texts is None:
        return []
    known = np.flatnonzero(~np.isnan(column.numbers))
    places = column.numbers[known].astype(np.int64)
    wrong = np.array([not _is_number(text) for text in column.texts], bool)[places]
    if not 0 < wrong.sum() <= _FEW_WRONG * len(known):
        return []
    first = int(wrong.argmax())
    return [
        f"{shown(column.name)} is read as text, for in {int(wrong.sum()):,} rows it holds no number, first"
        f" {shown(column.texts[places[first]])} in row {known[first]}. If it should be numbers, mend these."
    ]


def _as_texts(column: Values) -> Values:
    """Return a column of numbers as categories that are called as the numbers."""
    if column.texts is not None:
        return column
    known = ~np.isnan(column.numbers)
    distinct, positions = np.unique(column.numbers[known], return_inverse=True)
    numbers = np.full(len(column.numbers), np.nan)
    numbers[known] = positions
    texts = [str(int(value)) if float(value).is_integer() else str(value) for value in distinct.tolist()]
    return replace(column, numbers=numbers, texts=texts, whole=False)


def target_values(columns: Sequence[Values]) -> tuple[np.ndarray | None, TargetKind | None]:
    """Return the targets that some columns hold, one for each row, and what they are."""
    if not columns:
        return None, None
    for column in columns:
        missing = np.isnan(column.numbers)
        if missing.any():
            raise BadData(
                f"The target {shown(column.name)} is missing in {int(missing.sum()):,} rows, first in row"
                f" {int(missing.argmax())}.",
                "Remove these rows: without a target nothing can be learned from them.",
                column.name,
            )
        if column.texts is not None and len(columns) > 1:
            raise BadData(
                f"The target {shown(column.name)} holds text; several targets have to be numbers.",
                "Name one column of classes, or several of numbers.",
                "options.target",
            )
    first = columns[0]
    if len(columns) > 1:
        return np.column_stack([column.numbers for column in columns]), "values"
    if first.texts is not None:
        return np.array(first.texts)[first.numbers.astype(np.int64)], "classes"
    few = first.whole and len(np.unique(first.numbers)) <= FEW_INTEGERS
    return first.numbers, "classes" if few else "values"


def weights_of(columns: Sequence[Values], options: ReadingOptions) -> np.ndarray | None:
    """Return the weights that the column named in the options holds, checked; None if none is named."""
    for column in columns:
        if column.name != options.weight:
            continue
        if column.texts is not None:
            message = f"The column {shown(column.name)} holds text; weights are numbers."
            raise BadData(" ".join([message, *mistakes(column)]), None, column.name)
        missing = np.isnan(column.numbers)
        if missing.any():
            raise BadData(
                f"The weight {shown(column.name)} is missing in row {int(missing.argmax())}, the first of"
                f" {int(missing.sum()):,}.",
                "A row that should count as others do weighs 1.",
                column.name,
            )
        check_weights(column.numbers, column.name)
        return column.numbers
    return None


def _split_values(column: Values) -> np.ndarray:
    missing = np.isnan(column.numbers)
    if missing.any():
        raise BadData(
            f"The column {shown(column.name)}, which the split goes by, is missing in row"
            f" {int(missing.argmax())}.",
            "Fill it in, or split by another column.",
            "options.split_column",
        )
    if column.texts is None:
        return column.numbers
    return np.array(column.texts, object)[column.numbers.astype(np.int64)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
