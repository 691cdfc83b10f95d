"""What the addresses of families and of spec validation take and answer."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.fields import DatasetReference
from app.jobs.schemas import NETWORK_EXAMPLE, TRAINING_EXAMPLE
from models.outline import Outline
from models.reading.limits import MAX_SIDE
from models.schema import InputSchema

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Dtype = Literal[
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
]  # fmt: skip


class PresetRead(BaseModel):
    """A name that fills both specs."""

    name: str = Field(examples=["cnn-small"])
    summary: str
    network: dict[str, Any]
    training: dict[str, Any]


class FamilyRead(BaseModel):
    """A family: what may be said about its networks."""

    # "schema" would hide a method of pydantic's models.
    model_config = ConfigDict(serialize_by_alias=True)

    family: str = Field(examples=["cnn"])
    summary: str
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema of `network`.")
    presets: list[PresetRead]


class FamilyList(BaseModel):
    """All families, and what may be said about training whatever the family."""

    items: list[FamilyRead]
    training: dict[str, Any] = Field(description="JSON Schema of `training`.")


class InputDescription(InputSchema):
    """A shape of input, as a person gives it: one that a dataset could have."""

    shape: tuple[Side, ...] = Field(min_length=1, max_length=4, description="Shape of one row.")
    dtype: Dtype = "float32"

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        return self


class SpecsCheck(BaseModel):
    """Specs to check, against a dataset or against a shape of input."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"network": NETWORK_EXAMPLE, "dataset": "digits"}]},
    )

    network: dict[str, Any] = Field(examples=[NETWORK_EXAMPLE])
    training: dict[str, Any] | None = Field(None, examples=[TRAINING_EXAMPLE])
    dataset: DatasetReference | None = None
    input: InputDescription | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.input is None):
            raise ValueError("give either `dataset` or `input`")
        return self


class ResolvedRead(BaseModel):
    """Both specs with every default filled in."""

    preset: str | None
    network: dict[str, Any]
    training: dict[str, Any]


class SpecsOutline(Outline):
    """What is known of a network without building it."""

    resolved: ResolvedRead
