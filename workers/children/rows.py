"""The rows of an order: memory-mapped arrays, and which rows are for what."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.anomalies import normal_only
from models.batches import split_rows
from models.rows import Rows
from models.schema import TEST_FILE, VOCABULARY_FILE, WEIGHTS_FILE, X_FILE, Y_FILE
from workers.protocol import EvaluationOrder, TrainingOrder


def open_rows(order: TrainingOrder | EvaluationOrder) -> Rows:
    """Open the files of an order; no rows are loaded. ``ValueError`` if they are not as promised.

    Only normal rows train and validate, where the training says which these are. An evaluation finds them
    divided as the version's training divided its own.
    """
    schema = order.dataset_schema
    x, test = (np.load(order.files[name], mmap_mode="r") for name in (X_FILE, TEST_FILE))
    has_target = bool(schema.labels or schema.targets)
    y = np.load(order.files[Y_FILE], mmap_mode="r") if has_target else np.zeros(len(x), np.int64)
    found = (x.shape, str(x.dtype), y.shape, len(test))
    targets = (schema.rows, len(schema.targets)) if schema.targets else (schema.rows,)
    promised = ((schema.rows, *schema.shape), schema.dtype, targets, schema.test_rows)
    if found != promised:
        raise ValueError(f"the dataset's schema promises {promised}, the files hold {found}")
    classes = np.asarray(y) if schema.labels else np.zeros(len(x), np.int64)
    training, validation = split_rows(
        classes, np.asarray(test), order.training.validation, order.training.seed, stratified=True
    )
    weights = np.load(order.files[WEIGHTS_FILE], mmap_mode="r") if schema.weights else None
    if weights is not None and weights.shape != (schema.rows,):
        raise ValueError(
            f"the dataset's schema promises {schema.rows} weights, the file holds {weights.shape}"
        )
    rows = Rows(x, y, training, validation, np.asarray(test), weights)
    return normal_only(rows, schema.labels, order.training.normal_labels)


def open_vocabulary(order: TrainingOrder) -> list[str]:
    """Return the tokens by id; empty where rows are no texts."""
    return vocabulary_of(order.files)


def vocabulary_of(files: Mapping[str, Path]) -> list[str]:
    """Return the tokens by id that are among some files; empty where there are none."""
    path = files.get(VOCABULARY_FILE)
    tokens: list[str] = json.loads(path.read_text()) if path else []
    return tokens
