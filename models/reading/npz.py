"""Uploads as ``.npz``: ``x_train, y_train[, x_test, y_test]``, as Keras ships its datasets, or ``x, y``.

Targets may be left out; beside sequences there may be ``lengths``, with the same endings.
"""

from pathlib import Path

import numpy as np

from models.reading.archive import extract, open_archive
from models.reading.arrays import declared, declared_file
from models.reading.errors import BadData, shown
from models.reading.source import Part, Source
from models.schema import Kind

_HINT = "Save with numpy.savez('digits.npz', x=images, y=classes), or with x_train, y_train, x_test, y_test."


def read_npz(path: Path, scratch: Path, max_bytes: int, kind: Kind = "images") -> Source:
    """Unpack the arrays of an upload into the folder ``scratch`` and return them as memory maps.

    Raises :class:`BadData` for anything that is not such a file, or is larger than ``max_bytes`` unpacked.
    """
    with open_archive(path, max_bytes) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        endings = _endings(set(members))
        names = [name for ending in endings for name in _names(ending, set(members), kind)]
        for name in names:
            declared(archive, members[name])
        for name in names:
            extract(archive, members[name].filename, scratch / f"{name}.npy")
    parts = [_open_part(scratch, ending, names) for ending in endings]
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


def _open_part(scratch: Path, ending: str, names: list[str]) -> Part:
    x, y, lengths = (
        _open(scratch / f"{name}.npy") if name in names else None
        for name in (f"x{ending}", f"y{ending}", f"lengths{ending}")
    )
    assert x is not None, "a part without rows is refused"
    return Part(x, y, f"x{ending}", f"y{ending}", lengths)


def _open(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
