"""What the addresses of families and of spec validation take and answer."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.fields import DatasetReference
from app.jobs.schemas import NETWORK_EXAMPLE, TRAINING_EXAMPLE
from models.outline import Outline
from models.schema import InputSchema


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


class SpecsCheck(BaseModel):
    """Specs to check, against a dataset or against a shape of input."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"network": NETWORK_EXAMPLE, "dataset": "digits"}]},
    )

    network: dict[str, Any] = Field(examples=[NETWORK_EXAMPLE])
    training: dict[str, Any] | None = Field(None, examples=[TRAINING_EXAMPLE])
    dataset: DatasetReference | None = None
    input: InputSchema | None = None

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
