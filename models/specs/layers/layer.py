"""What all layers of a stack have in common: a name, inputs, arithmetic of what comes out. Keras-free.

Shapes are those of one row: ``[features]``, ``[time, features]`` or ``[height, width, channels]``.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from models.layers import Shape
from models.specs.spec import Spec

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
Side = Annotated[int, Field(ge=1, le=4096)]
Padding = Literal["same", "valid"]


def _listed(sizes: Any) -> Any:
    return (sizes,) if isinstance(sizes, int) and not isinstance(sizes, bool) else sizes


Sizes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=64)], ...],
    BeforeValidator(_listed, json_schema_input_type=int | list[int]),
    Field(strict=False, min_length=1, max_length=2),
]
"""One size for every axis, written as a number, or one for each."""


class Misfit(Exception):
    """A layer cannot be given what it is given; ``field`` is the argument that is wrong, or nothing."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


class Made(NamedTuple):
    """What comes out of a layer, its weights, and the values of a row that it holds besides."""

    shape: Shape
    parameters: int = 0
    inside: int = 0


class Layer(Spec):
    """One layer of a stack."""

    type: str = Field(description="The kind of layer.")
    name: Name | None = Field(
        None, description="Name by which others take its output; null means its type and place, as `dense_3`."
    )
    inputs: tuple[Name, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        max_length=16,
        description="Names of the layers before it whose outputs it takes, `input` for the rows; null means "
        "the layer right before.",
    )

    @property
    def keeps_steps(self) -> bool:
        """Whether each step of time that comes out stands for the one that came in."""
        return False


class Single(Layer):
    """A layer with one input."""

    @abstractmethod
    def made(self, shape: Shape) -> Made:
        """Return what comes out where rows of this shape come in; raises :class:`Misfit`."""


class Merging(Layer):
    """A layer with several inputs."""

    @abstractmethod
    def merged(self, shapes: Sequence[Shape]) -> Made:
        """Return what comes out where rows of these shapes come in; raises :class:`Misfit`."""


def check_axes(layer: Layer, shape: Shape, axes: int) -> None:
    """Raise :class:`Misfit` for rows that have not so many axes."""
    expected = {1: "[features]", 2: "[time, features]", 3: "[height, width, channels]"}[axes]
    if len(shape) != axes:
        message = f"{layer.type} expects {expected}, received {list(shape)}."
        raise Misfit("", "wrong_shape", message)


def each_axis(field: str, sizes: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """Return one size for each axis; raises :class:`Misfit` for one too many."""
    if len(sizes) not in (1, axes):
        message = f"Expected a number, for there is but one axis; received {list(sizes)}."
        raise Misfit(field, "wrong_length", message)
    return sizes * axes if len(sizes) == 1 else sizes


def slid(
    sides: Shape, window: tuple[int, ...], stride: tuple[int, ...], padding: Padding, field: str
) -> Shape:
    """Return how often a window fits when it is slid along sides; raises :class:`Misfit` if never."""
    if padding == "same":
        return tuple(-(-side // step) for side, step in zip(sides, stride, strict=True))
    for side, size in zip(sides, window, strict=True):
        if size > side:
            message = (
                f"Expected {side} at most, which is what reaches the layer ({list(sides)}), received {size}."
            )
            raise Misfit(field, "too_large", message)
    slides = zip(sides, window, stride, strict=True)
    return tuple((side - size) // step + 1 for side, size, step in slides)
