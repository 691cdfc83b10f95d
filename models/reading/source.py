"""What a reader hands on: rows as they came, not yet in canonical form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.schema import Kind, TextSchema

TargetKind = Literal["classes", "values", "none"]


@dataclass(frozen=True)
class Part:
    """Rows and their targets, and what the two arrays are called where they come from.

    ``y`` is None where rows have no target. ``lengths`` counts the steps of each sequence, ``int64[rows]``;
    ``weights`` say how much each row counts, ``[rows]``, where that was asked for.
    """

    x: np.ndarray
    y: np.ndarray | None
    x_name: str
    y_name: str
    lengths: np.ndarray | None = None
    weights: np.ndarray | None = None
    weights_name: str = "weights"


@dataclass(frozen=True)
class RawColumn:
    """A column of a table: numbers; or text, which stands in ``x`` as positions in ``values``."""

    name: str
    values: Sequence[str] | None = None


@dataclass(frozen=True)
class Tokens:
    """The tokens of all texts one after another, ``int32[tokens]``, as positions in ``seen``.

    ``length`` is that of a row, in tokens; ``known`` is how many tokens the vocabulary may know.
    """

    flat: np.ndarray
    seen: Sequence[str]
    schema: TextSchema
    length: int
    known: int


@dataclass(frozen=True)
class Source:
    """All rows of a dataset: those to train with, and the test rows if the source fixes them.

    Arrays may be memory maps. In a table ``x`` is ``float64[rows, columns]``, described by ``columns``; in
    texts ``int64[rows, 2]``, where each begins and ends in ``tokens``. ``range`` is what black and white are,
    ``labels`` are names of classes and ``targets`` of values, where the source knows them; ``split_by`` is
    what the split goes by, ``[rows]``; ``in_order`` says that rows continue each other.
    """

    rows: Part
    test: Part | None = None
    range: tuple[float, float] | None = None
    labels: list[str] | None = None
    warnings: tuple[str, ...] = ()
    kind: Kind = "images"
    columns: tuple[RawColumn, ...] = ()
    tokens: Tokens | None = None
    targets: tuple[str, ...] = ()
    target_kind: TargetKind | None = None
    split_by: np.ndarray | None = None
    in_order: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in the order in which their rows stand in the canonical files."""
        return (self.rows,) if self.test is None else (self.rows, self.test)

    @property
    def count(self) -> int:
        """How many rows there are in all parts."""
        return sum(len(part.x) for part in self.parts)
