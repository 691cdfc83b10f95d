"""Checkpoints: what a training needs to go on, in files that are whole or not there. Keras-free.

Each is one file, ``NUMBER-DIGEST.npz``: arrays by name, and facts in JSON. It is given its name when all of
it is on the disk, and the SHA-256 in the name tells whether it still is what was written. Nothing is pickled.
"""

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

KEPT = 2
_NAME = re.compile(r"(\d{8})-([0-9a-f]{64})\.npz")
_UNFINISHED = "unfinished"
_FACTS = "facts"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, none of objects, and facts that JSON can tell; NaN and infinity are among these."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, and remove all but it and the one before.

    Raises ``OSError`` where that is not possible, as on a full disk; what was there before stays then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left_over in folder.glob(f"{_UNFINISHED}-*"):
        left_over.unlink(missing_ok=True)
    unfinished = folder / f"{_UNFINISHED}-{os.getpid()}"
    earlier = _found(folder)
    number = _number(earlier[0]) + 1 if earlier else 1
    try:
        digest = _write(unfinished, checkpoint)
        unfinished.rename(folder / f"{number:08d}-{digest}.npz")
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(folder)
    for path in earlier[KEPT - 1 :]:
        path.unlink(missing_ok=True)


def newest(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint that is what was written; a torn or damaged one is passed over."""
    for path in _found(folder):
        checkpoint = _read(path)
        if checkpoint is not None:
            return checkpoint
    return None


def kept(folder: Path) -> list[Path]:
    """Return the files of the checkpoints in a folder and in those below it; what they hold never changes."""
    return [path for path in folder.rglob("*") if _NAME.fullmatch(path.name)]


def is_whole(path: Path) -> bool:
    """Tell whether a file is there and holds what its name says."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == _digest(path)
    except OSError:
        return False


def remove(folder: Path) -> None:
    """Remove all checkpoints of a job, if there are any."""
    shutil.rmtree(folder, ignore_errors=True)


def _found(folder: Path) -> list[Path]:
    """Return the files that hold checkpoints, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def _digest(path: Path) -> str:
    return path.stem.partition("-")[2]


def _number(path: Path) -> int:
    return int(path.name.partition("-")[0])


def _write(path: Path, checkpoint: Checkpoint) -> str:
    """Write a file, see to it that it is on the disk, and return its digest."""
    facts = np.frombuffer(json.dumps(checkpoint.facts).encode(), np.uint8)
    with path.open("wb+") as file:
        np.savez(file, allow_pickle=False, **{_FACTS: facts}, **checkpoint.arrays)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> Checkpoint | None:
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != _digest(path):
                return None
            file.seek(0)
            with np.load(file, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
        return Checkpoint(arrays, json.loads(arrays.pop(_FACTS).tobytes()))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _sync(folder: Path) -> None:
    """See to it that names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
