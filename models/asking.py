"""How rows of a dataset are put to a role: as named arrays, whatever it is that answers. Keras-free."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from models.forecasting import asked, is_forecast
from models.schema import InputSchema
from models.signature import TensorSignature
from models.tensor_names import INPUT_NAMES

Arrays = Mapping[str, np.ndarray]
Serve = Callable[[Arrays], dict[str, np.ndarray]]
"""From a role's inputs by name, with a batch axis, to its outputs by name."""


class Asked(Protocol):
    """What is known of a role to ask it: ``examples`` makes its inputs from rows, ``[n, *shape]``."""

    @property
    def inputs(self) -> tuple[TensorSignature, ...]:
        """The tensors that it takes."""

    @property
    def examples(self) -> Callable[[np.ndarray], Arrays]:
        """How its inputs are made from rows of the dataset, as a network takes them."""


def input_signature(source: InputSchema) -> tuple[TensorSignature, ...]:
    """Return the tensors that a row of the dataset is sent as."""
    if source.columns:
        names = [column.name for column in source.columns]
        return tuple(TensorSignature(name=name, dtype="float32", shape=()) for name in names)
    dtype = "int32" if source.kind == "text" else "float32"
    return (TensorSignature(name=INPUT_NAMES[source.kind], dtype=dtype, shape=source.shape),)


def row_inputs(rows: np.ndarray, source: InputSchema) -> dict[str, np.ndarray]:
    """Return rows, ``[n, *shape]``, as the tensors of :func:`input_signature`."""
    if source.columns:
        return {column.name: rows[:, place] for place, column in enumerate(source.columns)}
    return {INPUT_NAMES[source.kind]: rows}


def questions(rows: np.ndarray, source: InputSchema) -> dict[str, np.ndarray]:
    """Return rows as what predicts takes them: a forecast is asked for by the steps before the last."""
    return row_inputs(before_last(rows) if is_forecast(source) else rows, asked(source))


def before_last(sequences: np.ndarray) -> np.ndarray:
    """Return all steps but the last that is no padding, ``[rows, time - 1, features]``, padded alike.

    ``sequences`` is ``float32[rows, time, features]``, padded at the end with steps that are NaN throughout.
    """
    steps = np.arange(sequences.shape[1])
    present = ~np.isnan(sequences).all(axis=2)
    last = np.where(present, steps, 0).max(axis=1)
    is_last = (steps == last[:, None])[..., None]
    cut: np.ndarray = np.where(is_last, np.float32(np.nan), sequences)[:, :-1]
    return cut
