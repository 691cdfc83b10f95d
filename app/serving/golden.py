"""The golden check: a version serves only if it answers its golden rows as it did when it was published."""

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.float32]]

# Of the output's scale; the same bound as the gate that the version passed when it was published.
TOLERANCE = 1e-4


class GoldenMismatch(Exception):
    """The loaded graph does not answer as the published one did."""


def read_golden(content: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Return the arrays of ``golden.npz``: inputs and outputs by name, ``float32[rows, ...]``."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in arrays.files}


def check_golden(answer: Arrays, golden: Arrays) -> None:
    """Raise :class:`GoldenMismatch` unless every output is within the tolerance of the golden one."""
    for name, values in answer.items():
        expected = golden[name]
        if values.shape != expected.shape:
            raise GoldenMismatch(f"{name} has shape {values.shape} for the golden rows, not {expected.shape}")
        bound = TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0.0)))
        difference = float(np.abs(values - expected).max(initial=0.0))
        # Written so that a NaN fails too.
        if not difference <= bound:
            raise GoldenMismatch(
                f"{name} differs by {difference:.3g} on the golden rows; at most {bound:.3g} is allowed"
            )
