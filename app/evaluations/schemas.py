"""What the addresses of evaluations take and answer."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.fields import DatasetReference
from app.jobs.schemas import Notes, Priority, Tags
from app.jobs.states import JobState
from app.registry.schemas import ArtifactRead


class EvaluationCreate(BaseModel):
    """On which dataset a version is to be examined."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"dataset": "digits@2"}]}
    )

    dataset: DatasetReference
    priority: Priority = 0
    tags: Tags = Field(default_factory=dict)
    notes: Notes | None = None


class EvaluationSummary(BaseModel):
    """An evaluation, as lists show it."""

    job: str
    state: JobState
    model: str
    version: int
    dataset: str = Field(examples=["digits@2"])
    metrics: dict[str, Any] | None = Field(
        description="The report's main figures, on the dataset's test rows; null before it has succeeded."
    )
    error: dict[str, Any] | None = Field(description="Why it failed: code, message, hint, retryable.")
    created_at: datetime
    finished_at: datetime | None
    links: dict[str, str]


class EvaluationRead(EvaluationSummary):
    """An evaluation in full."""

    report: dict[str, Any] | None = Field(description="The report; null before it has succeeded.")
    files: list[ArtifactRead] = Field(description="The report and its pictures.")
