"""Classes: from whatever a file calls them to class indices and names."""

import sys
from collections.abc import Sequence

import numpy as np

from models.reading.errors import BadData, shown
from models.reading.limits import MAX_CLASSES, MAX_LABEL_CHARACTERS
from models.reading.source import Part

_LABELS = "options.labels"


def read_classes(parts: Sequence[Part], labels: list[str] | None) -> tuple[np.ndarray, list[str]]:
    """Return the class indices of all rows, ``int64[rows]``, and the name of each class.

    Without ``labels`` the distinct values, ascending, are the classes and name themselves. With ``labels``
    there is either one for each distinct value, or value ``i`` is called ``labels[i]``.
    """
    values = np.concatenate([_flat(part) for part in parts])
    name = parts[0].y_name
    distinct, positions = np.unique(values, return_inverse=True)
    _check_characters(distinct, name)
    if not 2 <= len(distinct) <= MAX_CLASSES:
        raise BadData(
            f"{name} holds {len(distinct):,} different classes; 2 to {MAX_CLASSES:,} were expected.",
            "Classes are what a network tells apart; it needs at least two.",
            name,
        )
    if labels is None:
        return positions.astype(np.int64), [_label(value, name) for value in distinct]
    places = _places(distinct, labels, name)
    return places[positions], labels


def _flat(part: Part) -> np.ndarray:
    """Return one class value for each row: integers or text."""
    y = np.asarray(part.y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise BadData(
            f"{part.y_name} has the shape {list(y.shape)}; one class for each row, [rows], was expected.",
            "If the classes are one-hot, save y.argmax(axis=1)." if y.ndim == 2 else None,
            part.y_name,
        )
    if y.dtype.kind == "f":
        if not (np.isfinite(y).all() and (y == np.floor(y)).all() and (np.abs(y) < 2**53).all()):
            raise BadData(
                f"{part.y_name} holds numbers that are not whole; classes were expected.",
                "Save the classes as whole numbers or as text.",
                part.y_name,
            )
        y = y.astype(np.int64)
    return y.astype(np.int64) if y.dtype.kind == "b" else y


def _check_characters(distinct: np.ndarray, name: str) -> None:
    """Refuse text that Python cannot hold: in an array stands any number for a character."""
    if distinct.dtype.kind == "U" and distinct.dtype.itemsize:
        codes = distinct.astype(distinct.dtype.newbyteorder("=")).view(np.uint32)
        if codes.max() > sys.maxunicode:
            raise BadData(f"{name} holds text with numbers that are no characters.", "Save it again.", name)


def _label(value: np.generic, name: str) -> str:
    text = str(value)
    if not text or len(text) > MAX_LABEL_CHARACTERS or not text.isprintable():
        raise BadData(
            f"{name} holds the class name {shown(text)}; 1 to {MAX_LABEL_CHARACTERS} printable characters"
            " were expected.",
            None,
            name,
        )
    return text


def _places(distinct: np.ndarray, labels: list[str], name: str) -> np.ndarray:
    """Return the position in ``labels`` of each distinct value."""
    if distinct.dtype.kind == "U":
        unnamed = sorted(set(distinct.tolist()) - set(labels))
        if unnamed:
            raise BadData(f"{name} holds {shown(unnamed[0])}, which is not among the labels.", None, _LABELS)
        return np.array([labels.index(value) for value in distinct.tolist()], np.int64)
    if len(distinct) == len(labels):
        return np.arange(len(labels))
    if distinct[0] >= 0 and distinct[-1] < len(labels):
        return distinct.astype(np.int64)
    raise BadData(
        f"There are {len(labels)} labels, but {name} holds {len(distinct)} classes,"
        f" numbered {distinct[0]} to {distinct[-1]}.",
        "Give one label for each class, in ascending order of their numbers.",
        _LABELS,
    )
