"""Layers of a stack with several inputs. Keras-free."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from models.layers import Shape
from models.specs.layers.layer import Made, Merging, Misfit


class Elementwise(Merging):
    """Sum, product, average or maximum of numbers in the same place; an axis of 1 serves for all places."""

    type: Literal["add", "multiply", "average", "maximum"] = Field(description="The kind of layer.")

    @property
    def keeps_steps(self) -> bool:
        """A step stays in its place."""
        return True

    def merged(self, shapes: Sequence[Shape]) -> Made:
        """Return what comes out; raises Misfit for shapes that differ."""
        if len({len(shape) for shape in shapes}) == 1:
            axes = [set(sides) for sides in zip(*shapes, strict=True)]
            if all(len(sides - {1}) <= 1 for sides in axes):
                return Made(tuple(max(sides) for sides in axes))
        raise _differing(self.type, "inputs of one shape", shapes)


class Concatenate(Merging):
    """Inputs one after the other along an axis."""

    type: Literal["concatenate"] = Field(description="The kind of layer.")
    axis: int | None = Field(None, ge=1, le=3, description="The axis, counted from 1; null means the last.")

    @property
    def keeps_steps(self) -> bool:
        """A step stays in its place, unless time becomes longer."""
        return self.axis != 1

    def merged(self, shapes: Sequence[Shape]) -> Made:
        """Return what comes out; raises Misfit for shapes that differ elsewhere."""
        axes = len(shapes[0])
        axis = (self.axis or axes) - 1
        if axis >= axes:
            raise Misfit("axis", "no_such_axis", f"Expected {axes} at most, received {self.axis}.")
        if len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) > 1:
            raise _differing(self.type, f"inputs that differ in axis {axis + 1} only", shapes)
        joined = sum(shape[axis] for shape in shapes)
        return Made((*shapes[0][:axis], joined, *shapes[0][axis + 1 :]))


def _differing(kind: str, expected: str, shapes: Sequence[Shape]) -> Misfit:
    received = ", ".join(str(list(shape)) for shape in shapes)
    return Misfit("inputs", "wrong_shape", f"{kind} expects {expected}, received {received}.")
