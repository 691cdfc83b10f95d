"""What the addresses under ``/models`` take and answer."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.fields import MAX_NUMBER, DatasetReference
from models.signature import Signature


class ArtifactRead(BaseModel):
    """One file of a version."""

    path: str = Field(examples=["predict.onnx"])
    sha256: str
    bytes: int
    media_type: str
    href: str


class ArtifactList(BaseModel):
    """All files of a version."""

    items: list[ArtifactRead]


class Lineage(BaseModel):
    """Where a version comes from: enough to make it again."""

    job: str
    dataset: str | None = Field(examples=["digits@1"])
    dataset_digest: str | None
    seed: int | None
    parent: str | None = Field(
        description="The version whose weights it started with.", examples=["digits@2"]
    )


class VersionSummary(BaseModel):
    """A version, as lists show it."""

    model: str
    version: int
    family: str
    parameters: int
    metrics: dict[str, Any] = Field(description="The report's main figures, on the test rows.")
    aliases: list[str]
    lineage: Lineage
    created_at: datetime
    links: dict[str, str]


class VersionRead(VersionSummary):
    """A version in full."""

    spec: dict[str, Any] = Field(description="Both specs, resolved.")
    signature: Signature = Field(description="What it takes and what it answers.")
    parity: dict[str, Any] = Field(description="How far the served graph is from the trained network.")
    report: dict[str, Any] | None = Field(description="The evaluation on the test rows.")
    card: str | None = Field(description="The model card, Markdown.")
    files: list[ArtifactRead]


class ModelRead(BaseModel):
    """A model: its latest version and where its aliases point."""

    name: str
    created_at: datetime
    versions: int = Field(description="How many versions there are.")
    latest: VersionSummary | None
    aliases: dict[str, int] = Field(examples=[{"champion": 3}])
    links: dict[str, str]


class AliasUpdate(BaseModel):
    """Where an alias shall point."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"version": 2}]})

    version: int = Field(ge=1, le=MAX_NUMBER)
    force: bool = Field(False, description="Move it even if callers must change what they send or read.")
    not_worse_on: DatasetReference | None = Field(
        None,
        description="Move it only if the version's report is no worse than that of the present one, on the "
        "test rows of this dataset, on which both were measured.",
        examples=["digits"],
    )


class RollbackRequest(BaseModel):
    """How to roll back; may be left out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    force: bool = Field(False, description="Move it even if callers must change what they send or read.")


class AliasMove(BaseModel):
    """One move of an alias."""

    at: datetime
    from_version: int | None
    to_version: int | None
    actor: str | None
    reason: str


class AliasRead(BaseModel):
    """An alias, and its latest moves, the newest first."""

    model: str
    alias: str
    version: int
    pinned: bool = Field(description="A person moved it: jobs leave it where it is.")
    moved_at: datetime
    revision: int
    history: list[AliasMove]
