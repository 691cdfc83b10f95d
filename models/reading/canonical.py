"""The canonical form of a dataset: memory-mappable arrays, a schema, and one digest over all of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.reading.classes import read_classes
from models.reading.errors import BadData
from models.reading.images import copy_images, row_shape
from models.reading.limits import MIN_ROWS
from models.reading.options import ReadingOptions
from models.reading.pixel_range import pixel_range
from models.reading.profile import measure, profile, profile_warnings
from models.reading.source import Source
from models.reading.split import Split, cut_split, given_split
from models.schema import TEST_FILE, X_FILE, Y_FILE, DatasetSchema, ImageSchema

SCHEMA_FILE = "schema.json"


@dataclass(frozen=True)
class Reading:
    """What became of a source: everything that a dataset version records."""

    schema: DatasetSchema
    profile: dict[str, Any]
    split: dict[str, Any]
    warnings: list[str]
    digest: str


def write_canonical(source: Source, options: ReadingOptions, folder: Path, max_bytes: int) -> Reading:
    """Write ``x.npy``, ``y.npy``, ``test.npy`` and ``schema.json`` into ``folder``.

    Raises :class:`BadData` for data that cannot be a dataset of images, or would exceed ``max_bytes``.
    """
    shape = row_shape(source.parts)
    _check_size(source, max_bytes)
    classes, labels = read_classes(source.parts, options.labels or source.labels)
    split = _split(source, classes, options)
    images = copy_images(source.parts, shape, folder / X_FILE)
    np.save(folder / Y_FILE, classes)
    np.save(folder / TEST_FILE, split.test_rows)
    pixels = measure(images, split.test_rows)
    (low, high), range_warnings = pixel_range(pixels.low, pixels.high, options, source.range)
    schema = DatasetSchema(
        rows=len(images),
        test_rows=len(split.test_rows),
        shape=shape,
        dtype=str(images.dtype),
        labels=labels,
        image=ImageSchema(low=low, high=high, background=pixels.background),
    )
    (folder / SCHEMA_FILE).write_text(schema.model_dump_json(indent=2) + "\n")
    return Reading(
        schema=schema,
        profile=profile(pixels, images, classes, labels, split.test_rows),
        split=split.description,
        warnings=[
            *source.warnings,
            *split.warnings,
            *range_warnings,
            *profile_warnings(pixels, classes, labels, split.test_rows),
        ],
        digest=_digest(folder, labels, options),
    )


def _check_size(source: Source, max_bytes: int) -> None:
    rows = sum(len(part.x) for part in source.parts)
    if rows < MIN_ROWS:
        raise BadData(f"There are {rows} rows; at least {MIN_ROWS} were expected.", None, source.rows.x_name)
    # The classes and the test rows' numbers are eight bytes each.
    size = sum(part.x.nbytes for part in source.parts) + 16 * rows
    if size > max_bytes:
        raise BadData(
            f"The dataset is {size:,} bytes in canonical form; at most {max_bytes:,} are kept.",
            "Send fewer rows, or values of a smaller dtype such as uint8.",
        )


def _split(source: Source, classes: np.ndarray, options: ReadingOptions) -> Split:
    if source.test is not None:
        return given_split(len(source.rows.x), len(source.test.x))
    return cut_split(classes, options)


def _digest(folder: Path, labels: list[str], options: ReadingOptions) -> str:
    """Return the SHA-256 over the arrays, the class names and the options, each in one fixed spelling."""
    whole = hashlib.sha256()
    for name in (X_FILE, Y_FILE, TEST_FILE):
        with (folder / name).open("rb") as file:
            whole.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    whole.update(json.dumps([labels, options.model_dump(mode="json")], sort_keys=True).encode())
    return whole.hexdigest()
