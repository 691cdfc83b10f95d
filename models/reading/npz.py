"""Uploads as ``.npz``: ``x_train, y_train[, x_test, y_test]``, as Keras ships its datasets, or ``x, y``."""

from pathlib import Path

import numpy as np

from models.reading.archive import extract, open_archive
from models.reading.arrays import declared
from models.reading.errors import BadData, shown
from models.reading.source import Part, Source

_ROWS_NAMES = (("x_train", "y_train"), ("x", "y"))
_TEST_NAMES = ("x_test", "y_test")
_HINT = "Save with numpy.savez('digits.npz', x=images, y=classes), or with x_train, y_train, x_test, y_test."


def read_npz(path: Path, scratch: Path, max_bytes: int) -> Source:
    """Unpack the arrays of an upload into the folder ``scratch`` and return them as memory maps.

    Raises :class:`BadData` for anything that is not such a file, or is larger than ``max_bytes`` unpacked.
    """
    with open_archive(path, max_bytes) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        names = _choose(set(members))
        for name in names:
            declared(archive, members[name])
        for name in names:
            extract(archive, members[name].filename, scratch / f"{name}.npy")
    parts = [_open_part(scratch, *pair) for pair in zip(names[::2], names[1::2], strict=True)]
    ignored = sorted(set(members) - set(names))
    warnings = (f"Not used: {', '.join(shown(name) for name in ignored)}.",) if ignored else ()
    return Source(parts[0], parts[1] if len(parts) > 1 else None, warnings=warnings)


def _choose(present: set[str]) -> tuple[str, ...]:
    """Return the names of the arrays to read: x, y and, where the file has them, those of the test rows."""
    found = ", ".join(sorted(shown(name) for name in present)) or "nothing"
    rows = next((pair for pair in _ROWS_NAMES if present & set(pair)), None)
    if rows is None:
        raise BadData(
            f"The arrays x and y (or x_train and y_train) were expected; the file holds {found}.", _HINT
        )
    expected = (*rows, *_TEST_NAMES) if present & set(_TEST_NAMES) else rows
    for name in expected:
        if name not in present:
            raise BadData(f"The array {name} is missing; the file holds {found}.", _HINT, name)
    return expected


def _open_part(scratch: Path, x_name: str, y_name: str) -> Part:
    x, y = (np.load(scratch / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in (x_name, y_name))
    return Part(x, y, x_name, y_name)
