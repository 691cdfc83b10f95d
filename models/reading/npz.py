"""Uploads as ``.npz``: ``x_train, y_train[, x_test, y_test]``, as Keras ships its datasets, or ``x, y``.

Targets may be left out; beside sequences there may be ``lengths``, and beside all kinds an array of weights
that the options name, with the same endings.
"""

from pathlib import Path

import numpy as np

from models.reading.archive import extract, open_archive
from models.reading.arrays import declared, declared_file
from models.reading.errors import BadData, shown
from models.reading.source import Part, Source
from models.schema import Kind

_HINT = "Save with numpy.savez('digits.npz', x=images, y=classes), or with x_train, y_train, x_test, y_test."


def read_npz(
    path: Path, scratch: Path, max_bytes: int, kind: Kind = "images", weight: str | None = None
) -> Source:
    """Unpack the arrays of an upload into the folder ``scratch`` and return them as memory maps.

    ``weight`` names the array that holds the weights of rows, without the ending. Raises :class:`BadData` for
    anything that is not such a file, or is larger than ``max_bytes`` unpacked.
    """
    with open_archive(path, max_bytes) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        endings = _endings(set(members))
        names = [name for ending in endings for name in _names(ending, set(members), kind)]
        names += _weights(endings, set(members), weight, names)
        for name in names:
            declared(archive, members[name])
        for name in names:
            extract(archive, members[name].filename, scratch / f"{name}.npy")
    parts = [_open_part(scratch, ending, names, weight) for ending in endings]
    ignored = sorted(set(members) - set(names))
    warnings = (f"Not used: {', '.join(shown(name) for name in ignored)}.",) if ignored else ()
    return Source(parts[0], parts[1] if len(parts) > 1 else None, warnings=warnings, kind=kind)


def read_npy(path: Path, kind: Kind) -> Source:
    """Return the one array of a ``.npy`` file as rows without a target."""
    declared_file(path, "x")
    return Source(Part(_open(path), None, "x", "y"), kind=kind)


def _endings(present: set[str]) -> tuple[str, ...]:
    """Return the endings of the names to read, first those of the rows, then those of the test rows."""
    found = ", ".join(sorted(shown(name) for name in present)) or "nothing"
    rows = next((ending for ending in ("_train", "") if present & {f"x{ending}", f"y{ending}"}), None)
    if rows is None:
        raise BadData(
            f"The arrays x and y (or x_train and y_train) were expected; the file holds {found}.", _HINT
        )
    endings = (rows, "_test") if present & {"x_test", "y_test"} else (rows,)
    # Where any targets are, all should be: one that is missing was misspelt, or forgotten.
    expected = [f"x{ending}" for ending in endings]
    if present & {"y", "y_train", "y_test"}:
        expected += [f"y{ending}" for ending in endings]
    for name in expected:
        if name not in present:
            raise BadData(f"The array {name} is missing; the file holds {found}.", _HINT, name)
    return endings


def _names(ending: str, present: set[str], kind: Kind) -> list[str]:
    wanted = ["x", "y", "lengths"] if kind == "sequences" else ["x", "y"]
    return [name + ending for name in wanted if name + ending in present]


def _weights(endings: tuple[str, ...], present: set[str], weight: str | None, others: list[str]) -> list[str]:
    """Return the names of the arrays of weights; those of the test rows may be missing."""
    if weight is None:
        return []
    expected = f"{weight}{endings[0]}"
    if expected not in present or expected in others:
        found = ", ".join(sorted(shown(name) for name in present - set(others))) or "nothing"
        raise BadData(
            f"weight names {shown(weight)}, so the array {shown(expected)} was expected; beside"
            f" {', '.join(others)} the file holds {found}.",
            _HINT,
            "options.weight",
        )
    return [f"{weight}{ending}" for ending in endings if f"{weight}{ending}" in present]


def _open_part(scratch: Path, ending: str, names: list[str], weight: str | None) -> Part:
    x, y, lengths, weights = (
        _open(scratch / f"{name}{ending}.npy") if f"{name}{ending}" in names else None
        for name in ("x", "y", "lengths", weight)
    )
    assert x is not None, "a part without rows is refused"
    return Part(x, y, f"x{ending}", f"y{ending}", lengths, weights, f"{weight}{ending}")


def _open(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
