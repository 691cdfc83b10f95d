"""Convolutions of a stack, along time or along the sides of images. Keras-free."""

from math import prod
from typing import Literal

from pydantic import Field

from models.layers import Shape
from models.specs.activations import Activation
from models.specs.layers.layer import Made, Misfit, Padding, Single, Sizes, check_axes, each_axis, slid


class _Convolving(Single):
    kernel: Sizes = Field((3,), description="Size of the kernel: a number, or [height, width].")
    stride: int = Field(1, ge=1, le=16, description="Step of the kernel.")
    padding: Padding = Field(
        "same", description="`same` pads the border so that stride 1 keeps the size; `valid` does not pad."
    )
    activation: Activation = Field("linear", description="Activation of the output.")
    bias: bool = Field(True, description="Whether each channel of the output has a bias.")

    @property
    def axes(self) -> int:
        """How many axes the kernel has."""
        return int(self.type[-2])

    @property
    def keeps_steps(self) -> bool:
        """A step stays in its place where nothing is left out."""
        return self.axes == 1 and self.padding == "same" and self.stride == 1

    def window(self) -> tuple[int, ...]:
        """Return the size of the kernel along each axis."""
        return each_axis("kernel", self.kernel, self.axes)

    def convolved(self, shape: Shape, window: tuple[int, ...], channels: int) -> Shape:
        """Return the shape of the output, which has so many channels."""
        check_axes(self, shape, self.axes + 1)
        stride = (self.stride,) * self.axes
        return (*slid(shape[:-1], window, stride, self.padding, "kernel"), channels)


class Convolution(_Convolving):
    """A convolution: every filter looks at all channels (LeCun et al., 1998)."""

    type: Literal["conv1d", "conv2d"] = Field(description="The kind of layer.")
    filters: int = Field(ge=1, le=8192, description="Number of filters, the channels of the output.")
    dilation: int = Field(1, ge=1, le=64, description="Distance between the places that a kernel looks at.")

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit where the kernel does not fit."""
        if self.dilation > 1 and self.stride > 1:
            message = f"Expected 1 together with a stride of {self.stride}, received {self.dilation}."
            raise Misfit("dilation", "stride_and_dilation", message)
        window = tuple((size - 1) * self.dilation + 1 for size in self.window())
        outcome = self.convolved(shape, window, self.filters)
        return Made(outcome, (prod(self.window()) * shape[-1] + self.bias) * self.filters)


class SeparableConvolution(_Convolving):
    """A filter for each channel alone, then a mix of the channels (Chollet, 2017)."""

    type: Literal["separable_conv1d", "separable_conv2d"] = Field(description="The kind of layer.")
    filters: int = Field(ge=1, le=8192, description="Channels of the output.")
    multiplier: int = Field(1, ge=1, le=64, description="Filters of each channel before the mix.")

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit where the kernel does not fit."""
        outcome = self.convolved(shape, self.window(), self.filters)
        alone = shape[-1] * self.multiplier
        parameters = prod(self.window()) * alone + (alone + self.bias) * self.filters
        return Made(outcome, parameters, prod(outcome[:-1]) * alone)


class DepthwiseConvolution(_Convolving):
    """A filter for each channel alone; channels are not mixed."""

    type: Literal["depthwise_conv1d", "depthwise_conv2d"] = Field(description="The kind of layer.")
    multiplier: int = Field(1, ge=1, le=64, description="Filters of each channel.")

    def made(self, shape: Shape) -> Made:
        """Return what comes out; raises Misfit where the kernel does not fit."""
        channels = shape[-1] * self.multiplier
        outcome = self.convolved(shape, self.window(), channels)
        return Made(outcome, (prod(self.window()) + self.bias) * channels)
