"""Layers of a stack without axes of their own: dense, activations, and what turns shapes. Keras-free."""

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from models.layers import Shape
from models.specs.activations import Activation
from models.specs.layers.layer import Made, Misfit, Side, Single


class Dense(Single):
    """A fully connected layer on the last axis."""

    type: Literal["dense"] = Field(description="The kind of layer.")
    units: int = Field(ge=1, le=65_536, description="Numbers that come out.")
    activation: Activation = Field("linear", description="Activation of the output.")
    bias: bool = Field(True, description="Whether each unit has a bias.")

    @property
    def keeps_steps(self) -> bool:
        """A step is a step."""
        return True

    def made(self, shape: Shape) -> Made:
        """Return what comes out."""
        return Made((*shape[:-1], self.units), (shape[-1] + self.bias) * self.units)


class Embedding(Single):
    """A learnt vector for each token of a text."""

    type: Literal["embedding"] = Field(description="The kind of layer.")
    size: int = Field(64, ge=1, le=4096, description="Numbers of each vector.")

    @property
    def keeps_steps(self) -> bool:
        """A token is a step."""
        return True

    def made(self, shape: Shape) -> Made:
        """Return the vectors; the weights are those of :meth:`embedded`."""
        return Made((*shape, self.size))

    def embedded(self, shape: Shape, vocabulary: int) -> Made:
        """Return the vectors of so many ids."""
        return Made((*shape, self.size), vocabulary * self.size)


class _Elementwise(Single):
    @property
    def keeps_steps(self) -> bool:
        """Each number stays where it is."""
        return True

    def made(self, shape: Shape) -> Made:
        """Return the same shape."""
        return Made(shape)


class Activated(_Elementwise):
    """An activation alone."""

    type: Literal["activation"] = Field(description="The kind of layer.")
    activation: Activation = Field(description="The activation.")


class LeakyRelu(_Elementwise):
    """A rectifier that lets a share of negative values through (Maas et al., 2013)."""

    type: Literal["leaky_relu"] = Field(description="The kind of layer.")
    slope: float = Field(0.3, ge=0, le=10, description="What negative values are multiplied by.")


class Prelu(_Elementwise):
    """A rectifier whose slope for negative values is learnt, one for each channel (He et al., 2015)."""

    type: Literal["prelu"] = Field(description="The kind of layer.")

    def made(self, shape: Shape) -> Made:
        """Return the same shape, and a slope for each channel."""
        return Made(shape, shape[-1])


class Softmax(_Elementwise):
    """Shares of the last axis, whose sum is 1."""

    type: Literal["softmax"] = Field(description="The kind of layer.")


class Rescaling(_Elementwise):
    """Every number times ``scale`` plus ``offset``."""

    type: Literal["rescaling"] = Field(description="The kind of layer.")
    scale: float = Field(ge=-1e6, le=1e6, description="What numbers are multiplied by.")
    offset: float = Field(0.0, ge=-1e6, le=1e6, description="What is added then.")


class Flatten(Single):
    """All numbers of a row in one line."""

    type: Literal["flatten"] = Field(description="The kind of layer.")

    def made(self, shape: Shape) -> Made:
        """Return what comes out."""
        return Made((prod(shape),))


class Reshape(Single):
    """The same numbers in another shape."""

    type: Literal["reshape"] = Field(description="The kind of layer.")
    shape: tuple[Annotated[int, Field(ge=1, le=2**24)], ...] = Field(
        strict=False, min_length=1, max_length=3, description="Shape of a row, of as many numbers."
    )

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for another number of numbers."""
        if prod(self.shape) != prod(shape):
            message = (
                f"Expected a shape of {prod(shape)} numbers, which are those of {list(shape)}; received "
                f"{list(self.shape)}, which has {prod(self.shape)}."
            )
            raise Misfit("shape", "wrong_size", message)
        return Made(self.shape)


class Permute(Single):
    """The axes in another order."""

    type: Literal["permute"] = Field(description="The kind of layer.")
    order: tuple[Annotated[int, Field(ge=1, le=3)], ...] = Field(
        strict=False, min_length=1, max_length=3, description="Axes, counted from 1, in their new order."
    )

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit where an axis is missing."""
        expected = list(range(1, len(shape) + 1))
        if sorted(self.order) != expected:
            message = f"Expected {expected} in any order, received {list(self.order)}."
            raise Misfit("order", "wrong_order", message)
        return Made(tuple(shape[axis - 1] for axis in self.order))


class RepeatVector(Single):
    """A vector as so many equal steps."""

    type: Literal["repeat_vector"] = Field(description="The kind of layer.")
    times: Side = Field(description="Number of steps.")

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for what is no vector."""
        if len(shape) != 1:
            raise Misfit("", "wrong_shape", f"repeat_vector expects [features], received {list(shape)}.")
        return Made((self.times, *shape))
