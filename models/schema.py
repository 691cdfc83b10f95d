"""What a dataset's rows look like: the schema beside the canonical ``.npy`` files. Keras-free.

A dataset version in canonical form is a set of memory-mappable files:

* ``x.npy``: the inputs, ``[rows, *shape]``: pixels and vectors in the dtype that was uploaded; sequences
  float32 ``[time, features]``, padded at the end with steps that are NaN throughout; texts int32 ids
  ``[time]``, padded at the end with 0; tables float32 ``[columns]``, a category as its id, a missing number
  as NaN;
* ``y.npy``, where rows have a target: class indices, ``int64[rows]``, positions in ``labels``; or values,
  ``float32[rows, targets]``;
* ``weights.npy``, where rows have weights: how much each counts in training, ``float32[rows]``, from 0 on;
* ``test.npy``: row numbers of the test rows, ``int64[n]``, sorted; all other rows train;
* ``vocabulary.json``, of texts: the token of each id, a list.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

X_FILE, Y_FILE, WEIGHTS_FILE, TEST_FILE = "x.npy", "y.npy", "weights.npy", "test.npy"
VOCABULARY_FILE = "vocabulary.json"

Kind = Literal["images", "table", "sequences", "text", "vectors"]
# Ids that mean something of their own: of tokens, and of categories.
PADDING, UNKNOWN_TOKEN, FIRST_TOKEN = 0, 1, 2
UNKNOWN_CATEGORY, MISSING_CATEGORY, FIRST_CATEGORY = 0, 1, 2


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


class Column(Frozen):
    """One column of a table; a category's id is its place in ``categories`` plus 2."""

    name: str
    kind: Literal["number", "category"]
    categories: tuple[str, ...] = Field(
        (), description="What was seen in the training rows, most frequent first."
    )

    @property
    def ids(self) -> int:
        """How many ids there are; 0 for a number."""
        return FIRST_CATEGORY + len(self.categories) if self.kind == "category" else 0


class TextSchema(Frozen):
    """How text becomes ids: ``tokens`` are words or characters, ``vocabulary`` counts the ids."""

    tokens: Literal["word", "character"]
    vocabulary: int = Field(ge=3, description="Number of ids: padding, unknown, and the tokens known.")
    lowercase: bool = False


class DatasetSchema(Frozen):
    """The schema of one dataset version; rows have classes, values, or no target at all."""

    kind: Kind = "images"
    rows: int = Field(ge=1)
    test_rows: int = Field(ge=0)
    shape: tuple[int, ...] = Field(description="Shape of one row, for example [8, 8, 1].")
    dtype: str = Field(description="NumPy dtype of x.npy.")
    labels: list[str] = Field([], description="Class names, in the order of the class indices.")
    targets: list[str] = Field([], description="Names of the values to be predicted.")
    image: ImageSchema | None = None
    columns: tuple[Column, ...] = ()
    text: TextSchema | None = None
    variable_length: bool = Field(False, description="Whether sequences differ in length.")
    weights: str | None = Field(
        None, description="What the weights of rows are called where they come from, if they have any."
    )


class InputSchema(Frozen):
    """What a network is built for: the part of a dataset's schema that decides input and output sizes."""

    kind: Kind = Field("images", description="What the rows are; by default what their shape suggests.")
    shape: tuple[int, ...] = Field(min_length=1, max_length=4, description="Shape of one row.")
    dtype: str = "float32"
    classes: int | None = Field(
        None, ge=2, le=100_000, description="Number of classes, of rows that have one."
    )
    targets: int | None = Field(None, ge=1, le=10_000, description="Number of values to be predicted.")
    vocabulary: int | None = Field(None, ge=3, le=1_000_000, description="Number of ids, of texts.")
    columns: tuple[Column, ...] = Field((), max_length=10_000, description="The columns, of tables.")
    variable_length: bool = False
    weighted: bool = Field(False, description="Whether rows have weights.")
    low: float = Field(0.0, description="Value that black has in the rows.")
    high: float = Field(1.0, description="Value that white has in the rows.")
    labels: tuple[str, ...] = Field(
        (), description="Class names, where known: they check what names classes."
    )

    @model_validator(mode="before")
    @classmethod
    def _kind_of_shape(cls, sent: object) -> object:
        if not isinstance(sent, dict) or "kind" in sent:
            return sent
        if sent.get("vocabulary"):
            return {**sent, "kind": "text"}
        if sent.get("columns"):
            return {**sent, "kind": "table"}
        shape = sent.get("shape")
        axes = len(shape) if isinstance(shape, list | tuple) else 3
        return {**sent, "kind": {1: "vectors", 2: "sequences"}.get(axes, "images")}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.classes is not None and self.targets is not None:
            raise ValueError("rows have either classes or targets")
        if (self.kind == "text") != (self.vocabulary is not None):
            raise ValueError("texts have a vocabulary, and nothing else has")
        if self.kind == "table" and self.shape != (len(self.columns),):
            raise ValueError("the shape of a table's row is [number of columns]")
        return self


def input_of(schema: DatasetSchema) -> InputSchema:
    """Return what a network for this dataset takes and answers."""
    image = schema.image
    return InputSchema(
        kind=schema.kind,
        shape=schema.shape,
        dtype=schema.dtype,
        classes=len(schema.labels) or None,
        targets=len(schema.targets) or None,
        vocabulary=schema.text.vocabulary if schema.text else None,
        columns=schema.columns,
        variable_length=schema.variable_length,
        weighted=schema.weights is not None,
        low=image.low if image else 0.0,
        high=image.high if image else 1.0,
        labels=tuple(schema.labels),
    )
