"""Vectors: rows of numbers that are all of one sort, without columns that have names."""

from pathlib import Path

import numpy as np

from models.reading.bins import BINS, bin_edges
from models.reading.errors import BadData
from models.reading.limits import MAX_FEATURES
from models.reading.options import ReadingOptions
from models.reading.profile import row_digests
from models.reading.rows import Written, check_agreement, chunks_of, copy_rows
from models.reading.source import Part, Source
from models.reading.split import Split
from models.schema import X_FILE


def vectors_bytes(source: Source) -> int:
    """Return the size of the vectors in canonical form; all parts must agree in shape and dtype."""
    for part in source.parts:
        _check(part)
    check_agreement(source.parts)
    return sum(part.x.nbytes for part in source.parts)


def write_vectors(source: Source, split: Split, options: ReadingOptions, folder: Path) -> Written:
    """Write ``x.npy``, ``[rows, values]``, in the dtype that was uploaded."""
    vectors = copy_rows(source.parts, source.rows.x.shape[1:], folder / X_FILE)
    low, high, total = np.inf, -np.inf, 0.0
    for _, chunk in chunks_of(vectors):
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        total += float(chunk.sum(dtype=np.float64))
    digests = np.concatenate([row_digests(chunk) for _, chunk in chunks_of(vectors)])
    constant = low == high
    return Written(
        schema={"shape": vectors.shape[1:], "dtype": str(vectors.dtype)},
        profile={
            "range": [low, high],
            "mean": total / vectors.size,
            "missing": 0,
            "constant": constant,
            "histogram": histogram(vectors, low, high),
        },
        digests=digests,
        warnings=[f"All values are the same, {low:g}: there is nothing to learn."] if constant else [],
    )


def histogram(rows: np.ndarray, low: float, high: float) -> dict[str, list[float]]:
    """Return how many of all values, which lie between ``low`` and ``high``, fall into each bin; not NaN."""
    edges = bin_edges(low, high)
    counts = np.zeros(BINS, np.int64)
    for _, chunk in chunks_of(rows):
        values = chunk.astype(np.float64)
        counts += np.histogram(values[~np.isnan(values)], edges)[0]
    return {"counts": counts.tolist(), "edges": edges.tolist()}


def _check(part: Part) -> None:
    x, name = part.x, part.x_name
    if x.dtype.kind not in "buif":
        raise BadData(f"{name} holds text; numbers were expected.", None, name)
    if x.ndim != 2:
        raise BadData(
            f"{name} has the shape {list(x.shape)}; vectors, [rows, values], were expected.",
            "Send images to a dataset of the kind images, sequences to one of the kind sequences."
            if x.ndim > 2
            else None,
            name,
        )
    if x.shape[1] > MAX_FEATURES:
        raise BadData(f"{name} has {x.shape[1]:,} values a row; at most {MAX_FEATURES:,}.", None, name)
