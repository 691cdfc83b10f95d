"""Layers of a stack that change sides: padding, cropping, enlarging, resizing. Keras-free."""

from abc import abstractmethod
from typing import Literal

from pydantic import Field

from models.layers import Shape
from models.specs.layers.layer import Made, Misfit, Side, Single, Sizes, check_axes, each_axis


class _Axes(Single):
    @property
    def axes(self) -> int:
        """How many sides are changed."""
        return int(self.type[-2])

    @abstractmethod
    def sides(self) -> tuple[int, ...]:
        """Return by how much each side is changed."""


class ZeroPadding(_Axes):
    """Zeros on both ends of each side."""

    type: Literal["zero_padding1d", "zero_padding2d"] = Field(description="The kind of layer.")
    padding: Sizes = Field((1,), description="Zeros on either end: a number, or [height, width].")

    def sides(self) -> tuple[int, ...]:
        """Return by how much each side is changed."""
        return each_axis("padding", self.padding, self.axes)

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for rows of other axes."""
        check_axes(self, shape, self.axes + 1)
        sizes = self.sides()
        return Made((*(side + 2 * size for side, size in zip(shape, sizes, strict=False)), shape[-1]))


class Cropping(_Axes):
    """Both ends of each side are cut off."""

    type: Literal["cropping1d", "cropping2d"] = Field(description="The kind of layer.")
    cropping: Sizes = Field((1,), description="What is cut off either end: a number, or [height, width].")

    def sides(self) -> tuple[int, ...]:
        """Return by how much each side is changed."""
        return each_axis("cropping", self.cropping, self.axes)

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit where nothing would be left."""
        check_axes(self, shape, self.axes + 1)
        sizes = self.sides()
        sides = tuple(side - 2 * size for side, size in zip(shape, sizes, strict=False))
        if min(sides) < 1:
            message = f"Expected less than half of {list(shape[:-1])}, received {list(sizes)}."
            raise Misfit("cropping", "too_large", message)
        return Made((*sides, shape[-1]))


class UpSampling(_Axes):
    """Every place many times, side by side."""

    type: Literal["up_sampling1d", "up_sampling2d"] = Field(description="The kind of layer.")
    size: Sizes = Field((2,), description="How many times: a number, or [height, width].")

    def sides(self) -> tuple[int, ...]:
        """Return by how much each side is changed."""
        return each_axis("size", self.size, self.axes)

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for rows of other axes."""
        check_axes(self, shape, self.axes + 1)
        sizes = self.sides()
        return Made((*(side * size for side, size in zip(shape, sizes, strict=False)), shape[-1]))


class Resizing(Single):
    """Images of another size, bilinear."""

    type: Literal["resizing"] = Field(description="The kind of layer.")
    height: Side = Field(description="Height of the output, in pixels.")
    width: Side = Field(description="Width of the output, in pixels.")

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit for what is no image."""
        check_axes(self, shape, 3)
        return Made((self.height, self.width, shape[-1]))
