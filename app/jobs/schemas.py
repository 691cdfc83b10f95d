"""What the addresses under ``/jobs`` take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from app.fields import MAX_INTEGER, DatasetReference, ModelName, VersionReference
from app.jobs.states import JobKind, JobState
from app.pagination import PageQuery

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = get_args(Level)

NETWORK_EXAMPLE: JsonDict = {"family": "cnn", "preset": "cnn-small", "dropout": 0.25}
TRAINING_EXAMPLE: JsonDict = {"epochs": 10, "batch_size": 64, "seed": 7}
EXAMPLE: JsonDict = {
    "model": "digits", "dataset": "digits", "network": NETWORK_EXAMPLE, "training": TRAINING_EXAMPLE,
}  # fmt: skip

Priority = Annotated[int, Field(ge=-100, le=100, description="Higher runs first.")]
Tags = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=64)],
        Annotated[str, Field(max_length=256)],
    ],
    Field(max_length=32, description="Your own labels, 32 at most.", examples=[{"purpose": "first try"}]),
]
Notes = Annotated[str, Field(max_length=10_000, description="Free text.")]


class JobCreate(BaseModel):
    """A training job: which network, trained on what, published under which model."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [EXAMPLE]})

    model: Annotated[ModelName, Field(description="Name under which the network is published.")]
    dataset: DatasetReference
    network: dict[str, Any] = Field(
        description="A preset, a family, or both, and every field that shall differ; see GET /families.",
        examples=[NETWORK_EXAMPLE],
    )
    training: dict[str, Any] | None = Field(
        None,
        description="Fields that shall differ from the preset's training, or from the defaults.",
        examples=[TRAINING_EXAMPLE],
    )
    start_from: VersionReference | None = Field(
        None, description="A version, name@number or name@alias, whose weights the network starts with."
    )
    promote: Literal["always", "if_better", "never"] = Field(
        "always", description="When the new version becomes the model's `champion`."
    )
    priority: Priority = 0
    tags: Tags = Field(default_factory=dict)
    notes: Notes | None = None


class JobUpdate(BaseModel):
    """Fields to change; those left out stay."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: Priority = 0
    tags: Tags = Field(default_factory=dict)
    notes: Notes | None = None


class JobQuery(PageQuery):
    """Which jobs to list."""

    kind: JobKind | None = None
    state: list[JobState] = Field([], max_length=10, description="May be repeated.")
    model: ModelName | None = None


After = Annotated[int, Field(ge=0, le=MAX_INTEGER, description="Only events with a greater id.")]


class EventQuery(BaseModel):
    """Which events to list."""

    after: After = 0
    limit: int = Field(200, ge=1, le=1000, description="Events of one answer.")


class LogQuery(EventQuery):
    """Which log lines to list."""

    level: Level = Field("debug", description="Least severe level.")


class MetricsQuery(BaseModel):
    """Which curves, and how fine."""

    keys: list[Annotated[str, Field(max_length=100)]] = Field(
        [],
        max_length=100,
        description="Names of series, all by default; may be repeated.",
        examples=[["val_loss"]],
    )
    max_points: int | None = Field(
        None, ge=2, le=100_000, description="Thin out longer curves to so many points."
    )


class PhaseRead(BaseModel):
    """One entry of the timed history of phases."""

    phase: str
    at: datetime


class JobRead(BaseModel):
    """A job as it stands."""

    id: str = Field(examples=["job_01jd3n6y0q8v5w2x4z7b9c1d3f"])
    kind: JobKind
    state: JobState
    phase: str | None = Field(description="What it is doing within its state.", examples=["training"])
    phases: list[PhaseRead] = Field(description="All phases so far, with the times when they began.")
    progress: dict[str, Any] | None = Field(
        description="Of a training the epoch, epochs, and seconds left (eta); of others steps.",
        examples=[{"epoch": 3, "epochs": 10, "eta": 4.2}],
    )
    queue_position: int | None = Field(description="1 is next; null when not queued.")
    attempt: int = Field(description="How many times it was started.")
    restarts: int = Field(
        description="How many of those were lost and left no newer checkpoint than they began with."
    )
    checkpoint: dict[str, Any] | None = Field(
        description="The newest checkpoint: epoch, step, seconds of training, the attempt that wrote it.",
        examples=[{"epoch": 3, "step": 138, "attempt": 1}],
    )
    model: str | None
    version: int | None = Field(
        description="The version of the model that it published, once there is one, or that it evaluates."
    )
    dataset: str | None = Field(description="name@number of the dataset version.", examples=["digits@1"])
    promote: str | None
    priority: int
    tags: dict[str, str]
    notes: str | None
    request: dict[str, Any] = Field(description="The body as it was sent.")
    resolved: dict[str, Any] | None = Field(
        description="The same with every default filled in; null while the dataset is still being read."
    )
    best: dict[str, Any] | None = Field(description="Figures of the best epoch so far.")
    stop_reason: str | None
    error: dict[str, Any] | None = Field(description="Why it failed: code, message, hint, retryable.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    stop_requested_at: datetime | None
    cancel_requested_at: datetime | None
    child_gone_at: datetime | None = Field(
        description="When the process of the last attempt was seen dead; null while it runs, or if its "
        "worker was lost with it."
    )
    cloned_from: str | None = Field(description="The job whose body this one began with.")
    links: dict[str, str] = Field(description="Addresses of its parts, and of what may be asked of it now.")


class EventRead(BaseModel):
    """One event; ids rise within a job."""

    id: int
    at: datetime
    type: str = Field(examples=["epoch"])
    data: dict[str, Any]


class EventList(BaseModel):
    """Events in order; ask again with ``after=last_id`` for those that came since."""

    items: list[EventRead]
    last_id: int


class LogRead(BaseModel):
    """One line of the log."""

    id: int
    at: datetime
    level: str
    message: str


class LogList(BaseModel):
    """Log lines in order; ask again with ``after=last_id`` for those that came since."""

    items: list[LogRead]
    last_id: int


class Point(BaseModel):
    """One value; null with a flag where the figure was not a finite number."""

    epoch: int
    step: int
    value: float | None
    flag: Literal["nan", "inf", "-inf"] | None = None


class Series(BaseModel):
    """One curve."""

    key: str = Field(examples=["val_loss"])
    points: list[Point]


class MetricsRead(BaseModel):
    """All curves of a job."""

    series: list[Series]
