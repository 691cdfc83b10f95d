"""Pooling of a stack. Keras-free."""

from typing import Literal

from pydantic import Field

from models.layers import Shape
from models.specs.layers.layer import Made, Padding, Single, Sizes, check_axes, each_axis, slid


class Pooling(Single):
    """The maximum or the average of each window, channel by channel."""

    type: Literal["max_pooling1d", "max_pooling2d", "average_pooling1d", "average_pooling2d"] = Field(
        description="The kind of layer."
    )
    size: Sizes = Field((2,), description="Size of the window: a number, or [height, width].")
    stride: int | None = Field(None, ge=1, le=64, description="Step of the window; null means its size.")
    padding: Padding = Field(
        "valid", description="`valid` leaves out what is no full window; `same` does not."
    )

    @property
    def axes(self) -> int:
        """How many axes the window has."""
        return int(self.type[-2])

    def window(self) -> tuple[int, ...]:
        """Return the size of the window along each axis."""
        return each_axis("size", self.size, self.axes)

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit where the window does not fit."""
        check_axes(self, shape, self.axes + 1)
        window = self.window()
        stride = (self.stride,) * self.axes if self.stride else window
        return Made((*slid(shape[:-1], window, stride, self.padding, "size"), shape[-1]))


class GlobalPooling(Single):
    """The maximum or the average of each channel over all places; the padding of steps is left out."""

    type: Literal[
        "global_max_pooling1d", "global_max_pooling2d", "global_average_pooling1d", "global_average_pooling2d"
    ] = Field(description="The kind of layer.")

    @property
    def axes(self) -> int:
        """How many axes are pooled."""
        return int(self.type[-2])

    def made(self, shape: Shape) -> Made:
        """Return the channels; raises Misfit for rows of other axes."""
        check_axes(self, shape, self.axes + 1)
        return Made(shape[-1:])
