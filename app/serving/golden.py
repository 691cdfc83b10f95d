"""The golden check: a version serves only if it answers its golden rows as it did when it was published."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.signature import Role, RoleSignature

Arrays = Mapping[str, npt.NDArray[Any]]

# Of the output's scale; the same bound as the gate that the version passed when it was published.
TOLERANCE = 1e-4
# What stands for minus infinity among logits: it is no part of their scale.
NEVER = -1e9


class GoldenMismatch(Exception):
    """The loaded graph does not answer as the published one did."""


def read_golden(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of ``golden.npz``: inputs and outputs as ``role/tensor``, ``[rows, ...]``."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def golden_of(role: Role, signature: RoleSignature, golden: Arrays) -> dict[str, npt.NDArray[Any]]:
    """Return the golden inputs and outputs of one role, by tensor, in the dtypes that the graph takes."""
    return {
        tensor.name: np.ascontiguousarray(golden[f"{role}/{tensor.name}"], tensor.dtype)
        for tensor in (*signature.inputs, *signature.outputs)
    }


def check_golden(answer: Arrays, golden: Arrays) -> None:
    """Raise :class:`GoldenMismatch` unless every output is within the tolerance of the golden one."""
    for name, values in answer.items():
        expected = golden[name]
        if values.shape != expected.shape:
            raise GoldenMismatch(f"{name} has shape {values.shape} for the golden rows, not {expected.shape}")
        scale = float(np.abs(expected[expected > NEVER]).max(initial=0.0))
        bound = TOLERANCE * max(1.0, scale)
        difference = float(np.abs(values - expected).max(initial=0.0))
        # Written so that a NaN fails too.
        if not difference <= bound:
            raise GoldenMismatch(
                f"{name} differs by {difference:.3g} on the golden rows; at most {bound:.3g} is allowed"
            )
