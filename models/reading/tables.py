"""Tables in canonical form: numbers as they are, categories as ids that the training rows give."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from models.reading.errors import BadData, shown
from models.reading.limits import CHUNK_BYTES, MAX_CATEGORIES, MAX_LABEL_CHARACTERS, MAX_VALUE
from models.reading.options import ReadingOptions
from models.reading.profile import row_digests
from models.reading.rows import Written, chunks_of, write_rows
from models.reading.source import RawColumn, Source
from models.reading.split import Split
from models.reading.targets import figures
from models.schema import FIRST_CATEGORY, MISSING_CATEGORY, UNKNOWN_CATEGORY, X_FILE, Column

_SHOWN_CATEGORIES = 10
# A column with this share of different texts names rows rather than groups of them.
_NAMES_ROWS, _MANY = 0.5, 50


def table_bytes(source: Source) -> int:
    """Return the size of the table in canonical form."""
    return source.rows.x.size * 4


def write_table(source: Source, split: Split, options: ReadingOptions, folder: Path) -> Written:
    """Write ``x.npy``, ``float32[rows, columns]``, and say what stands in each column."""
    raw, trains = source.rows.x, np.ones(source.count, bool)
    trains[split.test_rows] = False
    columns, profiles, warnings = [], [], []
    ids: dict[int, np.ndarray] = {}
    for place, column in enumerate(source.columns):
        values = raw[:, place]
        if column.values is None:
            check_numbers(values, column.name)
            columns.append(Column(name=column.name, kind="number"))
            profiles.append({"name": column.name, "kind": "number", **figures(values)})
        else:
            learned, ids[place], told = _learn(column, values, trains)
            columns.append(learned)
            profiles.append(_category_profile(learned, values, ids[place]))
            warnings += told
    warnings += _constant(raw, source.columns)

    def chunks() -> Iterator[np.ndarray]:
        step = max(1, CHUNK_BYTES // max(1, raw[:1].nbytes))
        for start in range(0, len(raw), step):
            chunk = raw[start : start + step].copy()
            for place, known in ids.items():
                codes = chunk[:, place]
                missing = np.isnan(codes)
                found = known[np.where(missing, 0, codes).astype(np.int64)]
                chunk[:, place] = np.where(missing, MISSING_CATEGORY, found)
            yield chunk

    table = write_rows(chunks, raw.shape, np.dtype(np.float32), folder / X_FILE)
    return Written(
        schema={"shape": raw.shape[1:], "dtype": "float32", "columns": tuple(columns)},
        profile={"columns": profiles, "missing": int(np.isnan(raw).sum())},
        digests=np.concatenate([row_digests(chunk) for _, chunk in chunks_of(table)]),
        warnings=warnings,
    )


def _learn(column: RawColumn, codes: np.ndarray, trains: np.ndarray) -> tuple[Column, np.ndarray, list[str]]:
    """Return the column with the categories of its training rows, the id of each text, and warnings."""
    assert column.values is not None, "only texts are learned"
    texts, known = column.values, ~np.isnan(codes)
    counts = np.bincount(codes[known & trains].astype(np.int64), minlength=max(1, len(texts)))
    # By frequency; equal ones by name, so that the order of the rows makes no difference.
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda place: (-counts[place], texts[place]))
    kept = [place for place in order if len(texts[place]) <= MAX_LABEL_CHARACTERS][:MAX_CATEGORIES]
    ids = np.full(max(1, len(texts)), UNKNOWN_CATEGORY, np.int64)
    ids[kept] = np.arange(len(kept)) + FIRST_CATEGORY
    warnings = []
    if len(texts) > _MANY and len(texts) > _NAMES_ROWS * int(known.sum()):
        warnings.append(
            f"{shown(column.name)} has {len(texts):,} different texts: if they name rows, leave the"
            " column out with options.ignore."
        )
    elif len(kept) < len(order):
        warnings.append(
            f"{shown(column.name)} has {len(order):,} categories: all but the {len(kept):,} most frequent are"
            " read as unknown."
        )
    categories = tuple(texts[place] for place in kept)
    return Column(name=column.name, kind="category", categories=categories), ids, warnings


def _category_profile(column: Column, codes: np.ndarray, ids: np.ndarray) -> dict[str, Any]:
    known = codes[~np.isnan(codes)].astype(np.int64)
    counts = np.bincount(ids[known], minlength=column.ids)[FIRST_CATEGORY:]
    top = {name: int(count) for name, count in zip(column.categories, counts, strict=True)}
    return {
        "name": column.name,
        "kind": "category",
        "missing": len(codes) - len(known),
        "unknown": int((ids[known] == UNKNOWN_CATEGORY).sum()),
        "categories": len(column.categories),
        "top": dict(list(top.items())[:_SHOWN_CATEGORIES]),
    }


def check_numbers(values: np.ndarray, name: str) -> None:
    """Refuse a column with numbers that no network can take; NaN is what is missing."""
    bad = np.abs(values) > MAX_VALUE
    if bad.any():
        raise BadData(
            f"The column {shown(name)} holds a number that is infinite or beyond ±{MAX_VALUE:g}, first in row"
            f" {int(bad.argmax())}.",
            "Remove these rows, or leave the value empty.",
            name,
        )


def _constant(raw: np.ndarray, columns: tuple[RawColumn, ...]) -> list[str]:
    # All columns have a value somewhere, so that none is NaN throughout.
    same = np.nanmin(raw, axis=0) == np.nanmax(raw, axis=0)
    names = [shown(column.name) for column, constant in zip(columns, same, strict=True) if constant]
    return [f"The same value in all rows: {', '.join(names)}."] if names else []
