"""The rows of a dataset by purpose: arrays that may be memory maps, and row numbers. Keras-free."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Purpose = Literal["test", "validation", "training"]


@dataclass(frozen=True)
class Rows:
    """``x``, ``[rows, *shape]``, and targets ``y``, 0 where there are none; row numbers, ``int64[n]``.

    ``weights`` say how much each row counts in training, ``float32[rows]``; None: all alike.
    """

    x: np.ndarray
    y: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    weights: np.ndarray | None = None

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
        """Return these rows as a network takes them: ids as int32, all else as float32, ``[n, *shape]``."""
        dtype = np.int32 if self.x.dtype == np.int32 else np.float32
        read: np.ndarray = self.x[rows].astype(dtype)
        return read


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of some row numbers, at least one, evenly spread."""
    count = min(len(rows), max(1, most))
    taken: np.ndarray = rows[np.linspace(0, len(rows) - 1, count).astype(int)]
    return taken
