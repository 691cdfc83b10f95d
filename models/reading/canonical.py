"""The canonical form of a dataset: memory-mappable arrays, a schema, and one digest over all of it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.reading.errors import BadData
from models.reading.images import images_bytes, write_images
from models.reading.limits import MIN_ROWS
from models.reading.options import ReadingOptions
from models.reading.rows import Written
from models.reading.sequences import sequences_bytes, write_sequences
from models.reading.source import Source
from models.reading.split import Split, split_rows
from models.reading.tables import table_bytes, write_table
from models.reading.targets import Target, figures, read_target, target_profile, target_warnings
from models.reading.texts import text_bytes, write_text
from models.reading.vectors import vectors_bytes, write_vectors
from models.reading.weights import read_weights, weight_warnings
from models.schema import TEST_FILE, VOCABULARY_FILE, WEIGHTS_FILE, X_FILE, Y_FILE, DatasetSchema, Kind

SCHEMA_FILE = "schema.json"


@dataclass(frozen=True)
class Reading:
    """What became of a source: everything that a dataset version records."""

    schema: DatasetSchema
    profile: dict[str, Any]
    split: dict[str, Any]
    warnings: list[str]
    digest: str


@dataclass(frozen=True)
class _Rows:
    """What is done with rows of one kind: ``size`` checks them and returns their canonical bytes."""

    size: Callable[[Source], int]
    write: Callable[[Source, Split, ReadingOptions, Path], Written]


_ROWS: Mapping[Kind, _Rows] = {
    "images": _Rows(images_bytes, write_images),
    "sequences": _Rows(sequences_bytes, write_sequences),
    "text": _Rows(text_bytes, write_text),
    "table": _Rows(table_bytes, write_table),
    "vectors": _Rows(vectors_bytes, write_vectors),
}


def write_canonical(source: Source, options: ReadingOptions, folder: Path, max_bytes: int) -> Reading:
    """Write the canonical files and ``schema.json`` into ``folder``.

    ``y.npy`` only where rows have a target, ``weights.npy`` only where options name weights, and
    ``vocabulary.json`` only for texts. Raises :class:`BadData` for what cannot be a dataset of its kind, or
    would exceed ``max_bytes``.
    """
    rows = _ROWS[source.kind]
    _check_size(source, rows.size(source), max_bytes)
    target = read_target(source, options)
    split = split_rows(source, target.classes, options)
    if len(split.test_rows) == source.count:
        raise BadData("All rows that can be read are test rows; none is left to train with.")
    weights = read_weights(source, split.test_rows, options)
    written = rows.write(source, split, options, folder)
    if target.values is not None:
        np.save(folder / Y_FILE, target.values)
    if weights is not None:
        np.save(folder / WEIGHTS_FILE, weights)
    np.save(folder / TEST_FILE, split.test_rows)
    schema = DatasetSchema(
        kind=source.kind,
        rows=source.count,
        test_rows=len(split.test_rows),
        labels=target.labels,
        targets=target.names,
        weights=options.weight,
        **written.schema,
    )
    (folder / SCHEMA_FILE).write_text(schema.model_dump_json(indent=2) + "\n")
    return Reading(
        schema=schema,
        profile=_profile(schema, written, target, split)
        | ({} if weights is None else {"weights": figures(weights)}),
        split=split.description,
        warnings=[
            *source.warnings,
            *split.warnings,
            *written.warnings,
            *target_warnings(target),
            *weight_warnings(weights, split.test_rows),
            *_leaks(written.digests, split.test_rows),
        ],
        digest=_digest(folder, schema, options),
    )


def _check_size(source: Source, row_bytes: int, max_bytes: int) -> None:
    if source.count < MIN_ROWS:
        raise BadData(
            f"There are {source.count} rows; at least {MIN_ROWS} were expected.", None, source.rows.x_name
        )
    # The classes and the test rows' numbers are eight bytes each, weights four.
    size = row_bytes + (16 if source.rows.weights is None else 20) * source.count
    if size > max_bytes:
        raise BadData(
            f"The dataset is {size:,} bytes in canonical form; at most {max_bytes:,} are kept.",
            "Send fewer rows, or values of a smaller dtype such as uint8.",
        )


def _profile(schema: DatasetSchema, written: Written, target: Target, split: Split) -> dict[str, Any]:
    return {
        "rows": schema.rows,
        "shape": list(schema.shape),
        "dtype": schema.dtype,
        **target_profile(target, split.test_rows),
        **written.profile,
        "duplicates": schema.rows - len(np.unique(written.digests)),
    }


def _leaks(digests: np.ndarray, test_rows: np.ndarray) -> list[str]:
    leaked = int(np.isin(digests[test_rows], np.delete(digests, test_rows)).sum())
    if not leaked:
        return []
    return [f"{leaked} test rows stand among the training rows as well: the report will flatter."]


def _digest(folder: Path, schema: DatasetSchema, options: ReadingOptions) -> str:
    """Return the SHA-256 over the files, the names of classes and the options, each in one fixed spelling."""
    whole = hashlib.sha256()
    for name in (X_FILE, Y_FILE, WEIGHTS_FILE, TEST_FILE, VOCABULARY_FILE):
        if (folder / name).exists():
            with (folder / name).open("rb") as file:
                whole.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    whole.update(json.dumps([schema.labels, options.model_dump(mode="json")], sort_keys=True).encode())
    if schema.kind != "images":
        # Weights came later: data without any keeps the digest that it had.
        absent = {"weights"} if schema.weights is None else None
        whole.update(schema.model_dump_json(exclude=absent).encode())
    return whole.hexdigest()
