"""How an upload is to be read: part of the API and of a dataset version's digest."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from models.reading.limits import MAX_CLASSES, MAX_LABEL_CHARACTERS
from models.schema import Frozen

Label = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_LABEL_CHARACTERS, pattern=r"^[^\x00-\x1f]+$")
]
Bound = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]


class ReadingOptions(Frozen):
    """The choices a person has when data is read."""

    test_fraction: float = Field(
        0.2,
        ge=0.01,
        le=0.9,
        description="Share of the rows kept for the report; not used if the file has its own.",
    )
    stratified: bool = Field(True, description="Give the test rows the same mixture of classes as the whole.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the split.")
    labels: list[Label] | None = Field(
        None,
        min_length=2,
        max_length=MAX_CLASSES,
        description="Class names: one for each class in ascending order, or one for each number from 0.",
    )
    range: tuple[Bound, Bound] | None = Field(
        None, description="The values that black and white have; found from the data when absent."
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError(f"range must be [low, high] with low below high, got {list(self.range)}")
        if self.labels is not None and len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        return self
