"""Layers of a stack that keep training steady: normalisation, dropout, noise. Keras-free."""

from typing import Literal

from pydantic import Field

from models.layers import Shape
from models.specs.dense import Share
from models.specs.layers.layer import Made, Misfit, Single, check_axes


class _Steady(Single):
    @property
    def keeps_steps(self) -> bool:
        """Each number stays where it is."""
        return True

    def made(self, shape: Shape) -> Made:
        """Return the same shape."""
        return Made(shape)


class BatchNormalization(_Steady):
    """Every channel with mean 0 and deviation 1 over the batch (Ioffe and Szegedy, 2015)."""

    type: Literal["batch_normalization"] = Field(description="The kind of layer.")
    momentum: float = Field(0.99, ge=0, lt=1, description="Share of the old in the moving mean and variance.")

    def made(self, shape: Shape) -> Made:
        """Return the same shape; scale, shift, and the moving mean and variance of each channel."""
        return Made(shape, 4 * shape[-1])


class LayerNormalization(_Steady):
    """The channels of each place with mean 0 and deviation 1 (Ba et al., 2016)."""

    type: Literal["layer_normalization"] = Field(description="The kind of layer.")

    def made(self, shape: Shape) -> Made:
        """Return the same shape; scale and shift of each channel."""
        return Made(shape, 2 * shape[-1])


class GroupNormalization(_Steady):
    """Groups of channels with mean 0 and deviation 1 in each row (Wu and He, 2018)."""

    type: Literal["group_normalization"] = Field(description="The kind of layer.")
    groups: int = Field(8, ge=1, le=8192, description="Number of groups, which divides that of channels.")

    def made(self, shape: Shape) -> Made:
        """Return the same shape; raises Misfit where groups would differ in size."""
        if shape[-1] % self.groups:
            message = f"Expected a divisor of the {shape[-1]} channels, received {self.groups}."
            raise Misfit("groups", "no_divisor", message)
        return Made(shape, 2 * shape[-1])


class Dropout(_Steady):
    """A share of all numbers is dropped while training (Srivastava et al., 2014)."""

    type: Literal["dropout"] = Field(description="The kind of layer.")
    rate: Share = Field(0.5, description="The share.")


class SpatialDropout(_Steady):
    """A share of whole channels is dropped while training (Tompson et al., 2015)."""

    type: Literal["spatial_dropout1d", "spatial_dropout2d"] = Field(description="The kind of layer.")
    rate: Share = Field(0.5, description="The share.")

    def made(self, shape: Shape) -> Made:
        """Return the same shape; raises Misfit for rows of other axes."""
        check_axes(self, shape, int(self.type[-2]) + 1)
        return Made(shape)


class GaussianNoise(_Steady):
    """Noise is added while training."""

    type: Literal["gaussian_noise"] = Field(description="The kind of layer.")
    deviation: float = Field(0.1, ge=0, le=1000, description="Standard deviation of the noise.")
