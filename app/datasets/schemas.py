"""What the addresses under ``/datasets`` take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.fields import MAX_NUMBER, Name
from models.reading.catalogue import BUILTIN_KINDS, BuiltinName
from models.reading.options import ReadingOptions
from models.schema import DatasetSchema, Kind

Builtin = Annotated[BuiltinName, Field(description="A dataset that comes with the service.")]
Content = Annotated[
    str,
    StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$"),
    Field(description="Digest of bytes that were uploaded before, to read them again with other options."),
]
VersionState = Literal["reading", "ready", "invalid"]


class DatasetCreate(BaseModel):
    """A new dataset; with `builtin` its first version is read at once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "digits", "kind": "images", "builtin": "digits"}]},
    )

    name: Name
    kind: Kind = Field("images", description="What its rows are; by default what those of `builtin` are.")
    builtin: Builtin | None = None
    options: ReadingOptions | None = Field(None, description="How the built-in is read.")

    @model_validator(mode="before")
    @classmethod
    def _kind_of_the_builtin(cls, sent: Any) -> Any:
        if isinstance(sent, dict) and "kind" not in sent:
            builtin = sent.get("builtin")
            kind = BUILTIN_KINDS.get(cast(BuiltinName, builtin)) if isinstance(builtin, str) else None
            return {**sent, "kind": kind} if kind else sent
        return sent

    @field_validator("builtin")
    @classmethod
    def _builtin_is_of_the_kind(
        cls, builtin: BuiltinName | None, known: ValidationInfo
    ) -> BuiltinName | None:
        kind = known.data.get("kind")
        if builtin is not None and kind is not None and BUILTIN_KINDS[builtin] != kind:
            raise ValueError(f"{builtin} is a dataset of the kind {BUILTIN_KINDS[builtin]}, not {kind}")
        return builtin

    @model_validator(mode="after")
    def _options_are_for_a_builtin(self) -> Self:
        if self.options is not None and self.builtin is None:
            raise ValueError("options belong to a version: send them with `builtin`, or with the upload")
        return self


class VersionCreate(BaseModel):
    """A new version without an upload: a built-in dataset, or bytes that are here already."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"builtin": "digits"}]})

    builtin: Builtin | None = None
    content: Content | None = None
    options: ReadingOptions = Field(default_factory=ReadingOptions)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.builtin is None) == (self.content is None):
            raise ValueError("give either `builtin` or `content`")
        return self


def _last_part(filename: str) -> str:
    return filename.replace("\\", "/").rpartition("/")[2] or "upload"


class UploadQuery(ReadingOptions):
    """How an upload is to be read, as query parameters."""

    filename: Annotated[str, AfterValidator(_last_part)] = Field(
        "upload",
        max_length=255,
        description="Name of the file; its ending tells text formats apart.",
        examples=["digits.npz"],
    )

    def options(self) -> ReadingOptions:
        """Return the options without the filename."""
        return ReadingOptions.model_validate(self.model_dump(exclude={"filename"}))


class VersionRead(BaseModel):
    """One immutable version of a dataset."""

    model_config = ConfigDict(serialize_by_alias=True)

    dataset: str
    number: int
    state: VersionState
    source: dict[str, Any] = Field(description="The built-in's name; or digest, size and name of the upload.")
    options: dict[str, Any]
    digest: str | None = Field(description="Digest of the canonical content and the reading options.")
    duplicate_of: int | None = Field(description="An older version with the same digest.")
    bytes: int | None = Field(description="Size of the canonical files.")
    # "schema" would hide a method of pydantic's models.
    schema_: DatasetSchema | None = Field(alias="schema", description="Shape, dtype, labels, rows.")
    profile: dict[str, Any] | None = Field(description="Counts by class, figures by kind, histograms.")
    split: dict[str, Any] | None = Field(description="How the test rows were chosen.")
    warnings: list[Any]
    error: dict[str, Any] | None = Field(description="Why it is invalid.")
    job: str | None = Field(description="The job that read it, or is reading it.")
    created_at: datetime
    links: dict[str, str]


class DatasetRead(BaseModel):
    """A dataset and its latest version."""

    name: str
    kind: str
    created_at: datetime
    latest: VersionRead | None
    links: dict[str, str]


class PreviewQuery(BaseModel):
    """Which rows to look at."""

    offset: int = Field(0, ge=0, le=MAX_NUMBER, description="Number of the first row.")
    limit: int = Field(20, ge=1, le=100, description="Rows of one answer; fewer where rows are large.")


class PreviewRow(BaseModel):
    """One row as it is stored."""

    row: int
    label: str | None = Field(None, description="Its class, of rows that have one.")
    targets: list[float] | None = Field(None, description="Its values to be predicted, if any.")
    weight: float | None = Field(None, description="How much it counts in training, of rows with weights.")
    split: Literal["train", "test"]
    values: list[Any] = Field(
        description="Nested lists in the shape of one row; of a table numbers and categories, of text tokens."
        " What is missing is null."
    )
    text: str | None = Field(None, description="What a row of text says, of which unknown tokens are lost.")


class PreviewRead(BaseModel):
    """Some rows of a version."""

    rows: list[PreviewRow]
    total: int = Field(description="Rows of the whole version.")
    shape: list[int]
    columns: list[str] | None = Field(None, description="Names of the columns, of a table.")
