"""Rows on their way into the canonical file: copied a chunk at a time, every value looked at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.reading.errors import BadData
from models.reading.limits import CHUNK_BYTES, MAX_VALUE
from models.reading.source import Part

_HINT = "Remove these rows or replace the values."


@dataclass(frozen=True)
class Written:
    """What was written: the fields of the schema that the rows decide, and what is to be told of them.

    ``digests`` are hashes of the rows, ``uint64[rows]``, by which equal ones are found.
    """

    schema: dict[str, Any]
    profile: dict[str, Any]
    digests: np.ndarray
    warnings: list[str] = field(default_factory=list)


def check_agreement(parts: Sequence[Part]) -> None:
    """Refuse test rows of another shape or dtype than the training rows."""
    first = parts[0]
    for part in parts[1:]:
        if (part.x.shape[1:], part.x.dtype) != (first.x.shape[1:], first.x.dtype):
            raise BadData(
                f"{part.x_name} has rows of shape {list(part.x.shape[1:])} and dtype {part.x.dtype}, but"
                f" {first.x_name} {list(first.x.shape[1:])} and {first.x.dtype}.",
                "Prepare training and test rows in the same way.",
                part.x_name,
            )


def copy_rows(parts: Sequence[Part], shape: tuple[int, ...], target: Path) -> np.ndarray:
    """Write all rows to ``target`` as one ``.npy``, ``[rows, *shape]``, and return it as a memory map.

    A value that is not finite, or too large for float32, is :class:`BadData`.
    """

    def chunks() -> Iterator[np.ndarray]:
        for part in parts:
            for start, chunk in chunks_of(part.x):
                check_values(chunk, part.x_name, start)
                yield chunk

    rows = sum(len(part.x) for part in parts)
    return write_rows(chunks, (rows, *shape), canonical_dtype(parts[0].x.dtype), target)


def canonical_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the canonical file for rows of ``dtype``."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


def write_rows(
    chunks: Callable[[], Iterator[np.ndarray]], shape: tuple[int, ...], dtype: np.dtype, target: Path
) -> np.ndarray:
    """Write what ``chunks`` yields to ``target`` as one ``.npy`` and return it as a memory map."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    # Written as a file, not through a memory map: on a full disk that would kill the process.
    with target.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks():
            file.write(chunk.astype(dtype, order="C").tobytes())
    written: np.ndarray = np.load(target, mmap_mode="r")
    return written


def chunks_of(rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number of the first row and a chunk of rows, until all have been seen."""
    step = max(1, CHUNK_BYTES // max(1, rows[:1].nbytes))
    for start in range(0, len(rows), step):
        yield start, np.asarray(rows[start : start + step])


def check_values(chunk: np.ndarray, name: str, start: int) -> None:
    """Refuse a chunk of rows, of which the first is ``start``, with values that no network can take."""
    if chunk.dtype.kind != "f":
        return
    axes = tuple(range(1, chunk.ndim))
    # A comparison with NaN is false, so this finds NaN, infinities and absurd sizes at once.
    bad = ~(np.abs(chunk) <= np.float64(MAX_VALUE)).all(axis=axes)
    if bad.any():
        raise BadData(
            f"{name} holds a value that is NaN, infinite or beyond ±{MAX_VALUE:g}, first in row"
            f" {start + int(bad.argmax())}.",
            _HINT,
            name,
        )
