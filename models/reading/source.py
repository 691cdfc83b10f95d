"""What a reader hands on: arrays as they came, not yet in canonical form."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Part:
    """Images and their classes, and what the two arrays are called where they come from."""

    x: np.ndarray
    y: np.ndarray
    x_name: str
    y_name: str


@dataclass(frozen=True)
class Source:
    """All rows of a dataset: those to train with, and the test rows if the source fixes them.

    Arrays may be memory maps. ``range`` is what black and white are, where the source knows it.
    """

    rows: Part
    test: Part | None = None
    range: tuple[float, float] | None = None
    labels: list[str] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in the order in which their rows stand in the canonical files."""
        return (self.rows,) if self.test is None else (self.rows, self.test)
