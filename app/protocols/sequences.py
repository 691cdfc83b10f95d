"""Sequences of different lengths as bodies: padded at the end with steps that are NaN, as in training."""

from typing import Any

import numpy as np

from app.protocols.instances import FIELD, instances_of, invalid, parse, require_room
from app.protocols.json_exact import Array, numbers, wrong_member
from app.protocols.json_rows import RowsReader
from models.signature import TensorSignature


class SequencesReader:
    """Reads bodies for one tensor of the shape ``[steps, features]``, of which rows have 1 to ``steps``."""

    def __init__(self, tensor: TensorSignature, max_rows: int) -> None:
        self._steps, self._features = tensor.shape
        self._max_rows = max_rows
        self._full = RowsReader(tensor, max_rows)

    def read(self, body: bytes) -> Array:
        """Return ``float32[rows, steps, features]``, or raise as ``RowsReader.read`` does."""
        rows = self._full.read_fast(body)
        return rows if rows is not None else self._read_exact(body)

    def _read_exact(self, body: bytes) -> Array:
        values = self._steps * self._features
        require_room(body, FIELD, self._max_rows, lists=1 + self._steps, values=values)
        document, refusal = parse(body, FIELD)
        rows = instances_of(document, FIELD, self._max_rows)
        read = np.full((len(rows), self._steps, self._features), np.nan, np.float32)
        for number, row in enumerate(rows):
            steps = self._steps_of(row, f"/{FIELD}/{number}")
            read[number, : len(steps)] = steps
        if refusal is not None:
            raise refusal
        return read

    def _steps_of(self, row: Any, place: str) -> Array:
        full = (self._steps, self._features)
        if not isinstance(row, list) or not row:
            raise wrong_member(row, f"a list of 1 to {self._steps} steps", place, full)
        if len(row) > self._steps:
            message = f"Expected at most {self._steps} steps, got {len(row)}. Leave out the oldest ones."
            raise invalid(place, "too_long", message)
        # A step of one number may be that number.
        bare = self._features == 1 and not isinstance(row[0], list)
        shape = () if bare else (self._features,)
        return numbers(row, shape, full, place).reshape(len(row), self._features).astype(np.float32)
