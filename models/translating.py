"""Rows of another dataset as a version takes them: ids, the order of columns, and lengths may differ.

NumPy only. What can be translated, :mod:`models.fitting` says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.fitting import kind_of, knows_classes, shape_of
from models.rows import Rows
from models.schema import FIRST_CATEGORY, PADDING, UNKNOWN_CATEGORY, UNKNOWN_TOKEN, Column, DatasetSchema
from models.signature import Signature

Turn = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Translated(Rows):
    """Rows that are turned into what a version takes as they are read."""

    turn: Turn = lambda rows: rows

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return these rows as the version takes them."""
        return self.turn(super().read(rows))


def translated_schema(signature: Signature, schema: DatasetSchema) -> DatasetSchema:
    """Return the schema that the rows have for the version: its classes and targets, columns and tokens."""
    changes: dict[str, object] = {"columns": signature.columns, "text": signature.text}
    if knows_classes(signature):
        changes["labels"] = list(signature.labels)
    if signature.task == "regression":
        changes["targets"] = list(signature.targets)
    if signature.task == "forecasting":
        changes |= {"labels": [], "targets": []}
    if kind_of(signature) != "text" or "predict" in signature.roles:
        changes["shape"] = shape_of(signature)
    return schema.model_copy(update=changes)


def translated(
    rows: Rows, signature: Signature, schema: DatasetSchema, *, mine: Sequence[str], theirs: Sequence[str]
) -> Rows:
    """Return rows of a dataset with this schema as the version takes them.

    ``mine`` and ``theirs`` are the vocabularies of the version and of the dataset, empty where rows are no
    texts. A category or a token that the version does not know becomes the id of unknown ones.
    """
    return Translated(
        rows.x,
        _targets(rows.y, signature, schema),
        rows.training,
        rows.validation,
        rows.test,
        turn=_turn(signature, schema, mine, theirs),
    )


def unknown_tokens(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """Return how many tokens of a dataset's vocabulary the version does not know."""
    return len(set(theirs) - set(mine))


def _targets(y: np.ndarray, signature: Signature, schema: DatasetSchema) -> np.ndarray:
    if knows_classes(signature) and schema.labels != list(signature.labels):
        places: np.ndarray = np.array([signature.labels.index(label) for label in schema.labels], np.int64)[y]
        return places
    if signature.task == "regression" and schema.targets != list(signature.targets):
        return y[:, [schema.targets.index(name) for name in signature.targets]]
    return y


def _turn(signature: Signature, schema: DatasetSchema, mine: Sequence[str], theirs: Sequence[str]) -> Turn:
    if signature.columns:
        return _of_table(signature.columns, schema.columns)
    if signature.text is not None:
        length = signature.roles["predict"].inputs[0].shape[0] if "predict" in signature.roles else None
        return _of_text(mine, theirs, length)
    if signature.variable_length:
        return lambda rows: _padded(rows, shape_of(signature)[0], np.float32(np.nan))
    return lambda rows: rows


def _of_table(mine: Sequence[Column], theirs: Sequence[Column]) -> Turn:
    names = [column.name for column in theirs]
    places = [names.index(column.name) for column in mine]
    ids = [_ids(column, theirs[place]) for column, place in zip(mine, places, strict=True)]

    def turn(rows: np.ndarray) -> np.ndarray:
        turned = rows[:, places]
        for number, known in enumerate(ids):
            if known is not None:
                turned[:, number] = known[turned[:, number].astype(np.int64)]
        return turned

    return turn


def _ids(mine: Column, theirs: Column) -> np.ndarray | None:
    """Return the version's id for each id of the dataset; None for numbers, which stay as they are."""
    if mine.kind == "number":
        return None
    known = {category: place for place, category in enumerate(mine.categories, FIRST_CATEGORY)}
    found = [known.get(category, UNKNOWN_CATEGORY) for category in theirs.categories]
    return np.array([*range(FIRST_CATEGORY), *found], np.float32)


def _of_text(mine: Sequence[str], theirs: Sequence[str], length: int | None) -> Turn:
    known = {token: place for place, token in enumerate(mine)}
    ids = np.array([known.get(token, UNKNOWN_TOKEN) for token in theirs], np.int32)
    # These are no tokens of a text, whatever they are called in a vocabulary.
    ids[[PADDING, UNKNOWN_TOKEN]] = PADDING, UNKNOWN_TOKEN
    return lambda rows: ids[rows] if length is None else _padded(ids[rows], length, np.int32(PADDING))


def _padded(rows: np.ndarray, length: int, padding: np.generic) -> np.ndarray:
    """Return rows, ``[n, time, …]``, with so many steps: filled up at the end, or cut there."""
    missing = max(0, length - rows.shape[1])
    widths = [(0, 0), (0, missing), *[(0, 0)] * (rows.ndim - 2)]
    whole: np.ndarray = np.pad(rows[:, :length], widths, constant_values=padding)
    return whole
