"""The rows of an order: memory-mapped arrays, and which rows are for what."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.batches import split_rows
from models.schema import TEST_FILE, X_FILE, Y_FILE
from workers.protocol import TrainingOrder

Purpose = Literal["test", "validation", "training"]


@dataclass(frozen=True)
class Rows:
    """``x`` of shape ``[rows, *shape]`` and ``y``, ``int64[rows]``; row numbers by purpose, ``int64[n]``."""

    x: np.ndarray
    y: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def report_on(self) -> Purpose:
        """For what the rows are that the report is about: the test rows, where there are any."""
        if len(self.test):
            return "test"
        return "validation" if len(self.validation) else "training"

    @property
    def reported(self) -> np.ndarray:
        """The rows that the report is about."""
        return {"test": self.test, "validation": self.validation, "training": self.training}[self.report_on]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return these rows as a network takes them, ``float32[n, *shape]``."""
        read: np.ndarray = self.x[rows].astype(np.float32)
        return read


def open_rows(order: TrainingOrder) -> Rows:
    """Open the files of an order; no images are loaded. ``ValueError`` if they are not as promised."""
    x, y, test = (np.load(order.files[name], mmap_mode="r") for name in (X_FILE, Y_FILE, TEST_FILE))
    schema = order.dataset_schema
    found = (x.shape, str(x.dtype), y.shape, len(test))
    promised = ((schema.rows, *schema.shape), schema.dtype, (schema.rows,), schema.test_rows)
    if found != promised:
        raise ValueError(f"the dataset's schema promises {promised}, the files hold {found}")
    training, validation = split_rows(
        np.asarray(y), np.asarray(test), order.training.validation, order.training.seed, stratified=True
    )
    return Rows(x, y, training, validation, np.asarray(test))
