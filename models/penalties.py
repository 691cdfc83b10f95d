"""Penalties on weights, as all specs name them."""

from typing import Protocol

import keras


class Penalized(Protocol):
    """A spec that may ask for weights to be small (``l2``) or mostly 0 (``l1``)."""

    @property
    def l1(self) -> float: ...  # noqa: D102
    @property
    def l2(self) -> float: ...  # noqa: D102


def penalty_of(spec: Penalized) -> keras.Regularizer | None:
    """Return the penalty on kernels, if there is one."""
    return keras.regularizers.L1L2(spec.l1, spec.l2) if spec.l1 or spec.l2 else None
