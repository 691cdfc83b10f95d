"""Sequences: rows of steps in time, each of some features; shorter ones end with steps that are NaN."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.reading.errors import BadData
from models.reading.limits import MAX_FEATURES, MAX_STEPS, MAX_VALUE
from models.reading.options import ReadingOptions
from models.reading.profile import row_digests
from models.reading.rows import Written, chunks_of, write_rows
from models.reading.source import Part, Source
from models.reading.split import Split
from models.reading.targets import figures
from models.reading.vectors import histogram
from models.schema import X_FILE

_HINT = "Shorter sequences are padded with NaN at the end, or counted in an array `lengths`."


def sequences_bytes(source: Source) -> int:
    """Return the size of the sequences in canonical form; all parts must agree in their features."""
    for part in source.parts:
        _check(part)
    features = _features(source.rows)
    first, test = source.rows, source.test
    if test is not None and _features(test) != features:
        raise BadData(
            f"{test.x_name} has {_features(test)} features a step, but {first.x_name} {features}.",
            "Prepare training and test rows in the same way.",
            test.x_name,
        )
    steps: int = max(part.x.shape[1] for part in source.parts)
    return source.count * steps * features * 4


def write_sequences(source: Source, split: Split, options: ReadingOptions, folder: Path) -> Written:
    """Write ``x.npy``, ``float32[rows, time, features]``, as long as the longest sequence."""
    counted = [_count(part) for part in source.parts]
    lengths = np.concatenate(counted)
    steps, features = int(lengths.max()), _features(source.rows)

    def chunks() -> Iterator[np.ndarray]:
        for part, own in zip(source.parts, counted, strict=True):
            for start, chunk in chunks_of(part.x):
                taken = chunk.reshape(len(chunk), chunk.shape[1], features)[:, :steps]
                padded = np.full((len(chunk), steps, features), np.nan, np.float32)
                padded[:, : taken.shape[1]] = taken
                padded[np.arange(steps) >= own[start : start + len(chunk), None]] = np.nan
                yield padded

    sequences = write_rows(chunks, (source.count, steps, features), np.dtype(np.float32), folder / X_FILE)
    low, high, total = np.inf, -np.inf, 0.0
    for _, chunk in chunks_of(sequences):
        low, high = min(low, float(np.nanmin(chunk))), max(high, float(np.nanmax(chunk)))
        total += float(np.nansum(chunk, dtype=np.float64))
    return Written(
        schema={
            "shape": (steps, features),
            "dtype": "float32",
            "variable_length": bool((lengths < steps).any()),
        },
        profile={
            "range": [low, high],
            "mean": total / (int(lengths.sum()) * features),
            "missing": 0,
            "constant": low == high,
            "histogram": histogram(sequences, low, high),
            "lengths": figures(lengths.astype(np.float64)),
        },
        digests=np.concatenate([row_digests(chunk) for _, chunk in chunks_of(sequences)]),
        warnings=[f"All values are the same, {low:g}: there is nothing to learn."] if low == high else [],
    )


def _check(part: Part) -> None:
    x, name = part.x, part.x_name
    if x.dtype.kind not in "buif":
        raise BadData(f"{name} holds text; numbers were expected.", None, name)
    if x.ndim not in (2, 3):
        raise BadData(
            f"{name} has the shape {list(x.shape)}; sequences, [rows, time] or [rows, time, features], were"
            " expected.",
            "Send images to a dataset of the kind images." if x.ndim > 3 else None,
            name,
        )
    if x.shape[1] > MAX_STEPS or _features(part) > MAX_FEATURES:
        raise BadData(
            f"{name} has {x.shape[1]:,} steps of {_features(part):,} features; at most {MAX_STEPS:,} steps of"
            f" {MAX_FEATURES:,} features are read.",
            "Cut sequences into shorter ones.",
            name,
        )


def _features(part: Part) -> int:
    return part.x.shape[2] if part.x.ndim == 3 else 1


def _count(part: Part) -> np.ndarray:
    """Return how many steps each sequence has, and check the values of all of them."""
    given = _given_lengths(part)
    found = np.empty(len(part.x), np.int64)
    for start, chunk in chunks_of(part.x):
        stop = start + len(chunk)
        values = chunk.reshape(len(chunk), chunk.shape[1], -1)
        present = (
            ~np.isnan(values).all(axis=2) if values.dtype.kind == "f" else np.ones(values.shape[:2], bool)
        )
        steps = np.arange(values.shape[1])
        lengths = np.where(present, steps + 1, 0).max(axis=1) if given is None else given[start:stop]
        _check_steps(values, lengths, part.x_name, start)
        found[start:stop] = lengths
    return found


def _given_lengths(part: Part) -> np.ndarray | None:
    if part.lengths is None:
        return None
    lengths, name = np.asarray(part.lengths), part.x_name.replace("x", "lengths", 1)
    if lengths.dtype.kind not in "ui" or lengths.shape != (len(part.x),):
        raise BadData(
            f"{name} is {list(lengths.shape)} of {lengths.dtype}; one whole number a row was expected.",
            None,
            name,
        )
    bad = (lengths < 1) | (lengths > part.x.shape[1])
    if bad.any():
        row = int(bad.argmax())
        raise BadData(
            f"{name} says {lengths[row]} in row {row}; 1 to {part.x.shape[1]} steps were expected.",
            None,
            name,
        )
    return lengths.astype(np.int64)


def _check_steps(values: np.ndarray, lengths: np.ndarray, name: str, start: int) -> None:
    """Refuse a sequence without steps, and values within one that are no numbers."""
    if (lengths == 0).any():
        raise BadData(f"{name} has no step in row {start + int((lengths == 0).argmax())}.", _HINT, name)
    if values.dtype.kind != "f":
        return
    counts = np.arange(values.shape[1]) < lengths[:, None]
    # A comparison with NaN is false, so this finds NaN, infinities and absurd sizes at once.
    bad = counts & ~(np.abs(values) <= np.float64(MAX_VALUE)).all(axis=2)
    if bad.any():
        row, step = (int(place) for place in np.argwhere(bad)[0])
        raise BadData(
            f"{name} holds a value that is NaN, infinite or beyond ±{MAX_VALUE:g}, first in row"
            f" {start + row}, step {step}.",
            _HINT,
            name,
        )
