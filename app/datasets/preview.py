"""Previews: a few rows of a version, as numbers or as a picture, read through a memory map."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from app.datasets import sheets
from app.datasets.schemas import PreviewRead, PreviewRow
from app.errors import Conflict
from app.storage import Store
from app.tables import DatasetVersion
from models.decoding.text import decode
from models.schema import (
    FIRST_CATEGORY,
    MISSING_CATEGORY,
    PADDING,
    TEST_FILE,
    VOCABULARY_FILE,
    WEIGHTS_FILE,
    X_FILE,
    Y_FILE,
    Column,
    DatasetSchema,
)

# A page of numbers has at most this many, about 1 MB of JSON.
MAX_VALUES = 250_000
MIN_SIDE, MAX_SIDE, GAP = sheets.MIN_SIDE, sheets.MAX_SIDE, sheets.GAP


class _Rows(NamedTuple):
    """Consecutive rows: their numbers, values (mapped, not read), targets, weights, which are test rows."""

    numbers: np.ndarray
    x: np.ndarray
    y: np.ndarray | None
    weights: np.ndarray | None
    is_test: np.ndarray


def rows(version: DatasetVersion, store: Store, offset: int, limit: int) -> PreviewRead:
    """Return up to ``limit`` rows from ``offset`` on; fewer, but one at least, where rows are large."""
    schema = _schema(version)
    most = max(1, MAX_VALUES // math.prod(schema.shape))
    chosen = _read(version, schema, store, slice(offset, offset + min(limit, most)))
    values = _values(chosen.x, schema, _vocabulary(version, store) if schema.text else [])
    return PreviewRead(
        rows=[
            PreviewRow(
                row=int(number),
                split="test" if is_test else "train",
                **_target(schema, chosen.y, place),
                weight=None if chosen.weights is None else float(str(chosen.weights[place])),
                **shown,
            )
            for place, (number, is_test, shown) in enumerate(
                zip(chosen.numbers, chosen.is_test, values, strict=True)
            )
        ],
        total=schema.rows,
        shape=list(schema.shape),
        columns=[column.name for column in schema.columns] or None,
    )


def has_picture(version: DatasetVersion) -> bool:
    """Tell whether rows of this version can be drawn: images, vectors and sequences, not texts and tables."""
    return _schema(version).kind in ("images", "vectors", "sequences")


def picture(version: DatasetVersion, store: Store, offset: int, limit: int) -> bytes:
    """Return a PNG: a grid of up to ``limit`` rows from ``offset`` on, about as wide as high."""
    schema = _schema(version)
    chosen = _read(version, schema, store, slice(offset, offset + limit))
    if schema.image is not None:
        return sheets.sheet([sheets.thumbnail(row, schema.image) for row in chosen.x])
    return sheets.sheet([sheets.curves(row) for row in chosen.x])


def _schema(version: DatasetVersion) -> DatasetSchema:
    if version.state != "ready":
        raise Conflict(
            f"The version is {version.state}; only one that is ready can be previewed.",
            extra={"current_state": version.state},
        )
    # Read as JSON, as which it is kept: there a tuple is a list.
    return DatasetSchema.model_validate_json(json.dumps(version.schema))


def _read(version: DatasetVersion, schema: DatasetSchema, store: Store, part: slice) -> _Rows:
    x, y, weights, test = (
        np.load(store.fetch(version.files[name]["sha256"]), mmap_mode="r", allow_pickle=False)
        if name in version.files
        else None
        for name in (X_FILE, Y_FILE, WEIGHTS_FILE, TEST_FILE)
    )
    assert x is not None, "every version has rows"
    assert test is not None, "every version has test rows, if none"
    numbers = np.arange(schema.rows)[part]
    # The numbers of the test rows are sorted, so only those near the part are read.
    is_test = np.searchsorted(test, numbers, "left") != np.searchsorted(test, numbers, "right")
    y, weights = (None if each is None else each[part] for each in (y, weights))
    return _Rows(numbers, x[part], y, weights, is_test)


def _vocabulary(version: DatasetVersion, store: Store) -> list[str]:
    path = store.fetch(version.files[VOCABULARY_FILE]["sha256"])
    vocabulary: list[str] = json.loads(path.read_bytes())
    return vocabulary


def _target(schema: DatasetSchema, y: np.ndarray | None, place: int) -> dict[str, Any]:
    if y is None:
        return {}
    if schema.labels:
        return {"label": schema.labels[y[place]]}
    return {"targets": _plain(y[place])}


def _values(x: np.ndarray, schema: DatasetSchema, vocabulary: list[str]) -> Iterator[dict[str, Any]]:
    for row in x:
        if schema.text is not None:
            ids = row[row != PADDING].tolist()
            yield {
                "values": [vocabulary[index] for index in ids],
                "text": decode(ids, vocabulary, schema.text),
            }
        elif schema.columns:
            cells = zip(_plain(row), schema.columns, strict=True)
            yield {"values": [_cell(value, column) for value, column in cells]}
        elif schema.variable_length:
            yield {"values": _plain(row[~np.isnan(row).all(axis=1)])}
        else:
            yield {"values": _plain(row)}


def _plain(row: np.ndarray) -> list[Any]:
    """Return numbers as people write them: 0.1, not what float32 makes of it in double precision."""
    written: list[Any] = (row.astype(str).astype(np.float64) if row.dtype == np.float32 else row).tolist()
    return written


def _cell(value: float, column: Column) -> float | str | None:
    if column.kind == "number":
        return None if math.isnan(value) else value
    place = int(value) - FIRST_CATEGORY
    if place >= 0:
        return column.categories[place]
    return None if int(value) == MISSING_CATEGORY else "\ufffd"
