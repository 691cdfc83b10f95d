"""What a dataset's rows look like: the schema beside the canonical ``.npy`` files. Keras-free.

A dataset version in canonical form is a set of memory-mappable files:

* ``x.npy``: the inputs, ``[rows, *shape]``, in the dtype that was uploaded;
* ``y.npy``: class indices, ``int64[rows]``, positions in ``labels``;
* ``test.npy``: row numbers of the test rows, ``int64[n]``, sorted; all other rows train.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

X_FILE, Y_FILE, TEST_FILE = "x.npy", "y.npy", "test.npy"


class Frozen(BaseModel):
    """A value: immutable, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageSchema(Frozen):
    """What pixel values mean: ``low`` is 0 and ``high`` is 255 of an 8-bit picture.

    ``background`` is the mean value of the border of the training rows, in the dataset's own range: a
    picture whose border is on the other side of the middle of the range is shown inverted.
    """

    low: float
    high: float
    background: float


class DatasetSchema(Frozen):
    """The schema of one dataset version."""

    kind: Literal["images"] = "images"
    rows: int = Field(ge=1)
    test_rows: int = Field(ge=0)
    shape: tuple[int, ...] = Field(description="Shape of one row, for example [8, 8, 1].")
    dtype: str = Field(description="NumPy dtype of x.npy.")
    labels: list[str] = Field(description="Class names, in the order of the class indices.")
    image: ImageSchema


class InputSchema(Frozen):
    """What a network is built for: the part of a dataset's schema that decides input and output sizes."""

    shape: tuple[int, ...] = Field(min_length=1, max_length=4, description="Shape of one row.")
    dtype: str = "float32"
    classes: int = Field(ge=2, le=100_000, description="Number of classes.")
    low: float = Field(0.0, description="Value that black has in the rows.")
    high: float = Field(1.0, description="Value that white has in the rows.")
    labels: tuple[str, ...] = Field(
        (), description="Class names, where known: they check what names classes."
    )


def input_of(schema: DatasetSchema) -> InputSchema:
    """Return what a network for this dataset takes and answers."""
    return InputSchema(
        shape=schema.shape,
        dtype=schema.dtype,
        classes=len(schema.labels),
        low=schema.image.low,
        high=schema.image.high,
        labels=tuple(schema.labels),
    )
