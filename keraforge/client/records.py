"""What the service answers with, as immutable values; what this client does not know stays in ``raw``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Self

from keraforge.errors import JobFailed

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
JsonObject = Mapping[str, Any]
Promote = Literal["always", "if_better", "never"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One JSON object of the service; ``raw`` is the object as it came."""

    raw: JsonObject = field(repr=False, compare=False)
    nested: ClassVar[Mapping[str, "type[Record]"]] = {}

    @classmethod
    def read(cls, payload: JsonObject) -> Self:
        """Return the record of a JSON object."""
        known = {each.name for each in fields(cls)} - {"raw"}
        values = {name: value for name, value in payload.items() if name in known}
        for name, kind in cls.nested.items():
            value = values.get(name)
            if isinstance(value, list):
                values[name] = [kind.read(item) for item in value]
            elif value is not None:
                values[name] = kind.read(value)
        return cls(raw=payload, **values)


@dataclass(frozen=True, kw_only=True)
class DatasetVersion(Record):
    """One immutable version of a dataset; ``state`` is ``reading``, ``ready`` or ``invalid``."""

    dataset: str
    number: int
    state: str
    job: str | None = None
    digest: str | None = None
    duplicate_of: int | None = None
    bytes: int | None = None
    schema: JsonObject | None = None
    profile: JsonObject | None = None
    split: JsonObject | None = None
    warnings: list[Any] = field(default_factory=list)
    error: JsonObject | None = None
    created_at: str | None = None

    @property
    def name(self) -> str:
        """``digits@2``, as jobs name it."""
        return f"{self.dataset}@{self.number}"


@dataclass(frozen=True, kw_only=True)
class Dataset(Record):
    """A named dataset and its latest version."""

    name: str
    kind: str
    latest: DatasetVersion | None = None
    created_at: str | None = None
    nested: ClassVar = {"latest": DatasetVersion}


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """One job, as it was when it was asked for; ``version`` is the one that came of it, or is evaluated."""

    id: str
    kind: str
    state: str
    phase: str | None = None
    progress: JsonObject | None = None
    queue_position: int | None = None
    attempt: int = 0
    model: str | None = None
    version: int | None = None
    dataset: str | None = None
    best: JsonObject | None = None
    resolved: JsonObject | None = None
    stop_reason: str | None = None
    error: JsonObject | None = None
    priority: int = 0
    restarts: int = 0
    checkpoint: JsonObject | None = None
    cloned_from: str | None = None
    child_gone_at: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the job has reached a state that it never leaves."""
        return self.state in TERMINAL

    def ensure_succeeded(self) -> Self:
        """Return the job itself if it succeeded; raise JobFailed with what its end says if not."""
        if self.state == "succeeded":
            return self
        error = self.error or {}
        reason = error.get("message") or f"it is {self.state}"
        hint = f" {error['hint']}" if error.get("hint") else ""
        raise JobFailed(
            f"{self.id} did not succeed: {reason}{hint}", code=str(error.get("code") or self.state)
        )


@dataclass(frozen=True, kw_only=True)
class Event(Record):
    """One event of a job: ``state``, ``phase``, ``epoch``, ``log``, ``checkpoint`` or ``artifact``."""

    id: int
    at: str
    type: str
    data: JsonObject

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the event of one message of a stream."""
        return cls.read(json.loads(text))

    @property
    def ends_job(self) -> bool:
        """Whether the job is over with this event."""
        over = self.type == "state" and self.data.get("state") in TERMINAL
        # One that failed and was retried goes on.
        return over and not self.data.get("retried")


@dataclass(frozen=True, kw_only=True)
class ModelVersion(Record):
    """One published version; lists leave out ``signature``, ``report`` and ``files``."""

    model: str
    version: int
    family: str
    parameters: int
    metrics: JsonObject = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    lineage: JsonObject = field(default_factory=dict)
    created_at: str | None = None
    spec: JsonObject | None = None
    signature: JsonObject | None = None
    parity: JsonObject | None = None
    report: JsonObject | None = None
    card: str | None = None
    files: list[JsonObject] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Evaluation(Record):
    """A version examined on a dataset; lists leave out ``report`` and ``files``."""

    job: str
    state: str
    model: str
    version: int
    dataset: str
    metrics: JsonObject | None = None
    error: JsonObject | None = None
    created_at: str | None = None
    finished_at: str | None = None
    report: JsonObject | None = None
    files: list[JsonObject] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Model(Record):
    """A named model; ``versions`` counts them, ``aliases`` maps movable names to version numbers."""

    name: str
    versions: int
    latest: ModelVersion | None = None
    aliases: Mapping[str, int] = field(default_factory=dict)
    created_at: str | None = None
    nested: ClassVar = {"latest": ModelVersion}


@dataclass(frozen=True, kw_only=True)
class Key(Record):
    """One key; ``key`` is its text, told only when it is created."""

    id: str
    name: str
    scopes: list[str] = field(default_factory=list)
    created_at: str | None = None
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class TrashItem(Record):
    """Something that was deleted: a ``dataset``, ``model``, version of one, or ``job``."""

    id: str
    kind: str
    name: str
    deleted_at: str | None = None
    kept_until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Worker(Record):
    """One worker; ``state`` is ``working``, ``draining``, ``drained`` or ``lost``."""

    id: str
    state: str
    host: str | None = None
    process: int | None = None
    slots: Mapping[str, int] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    started_at: str | None = None
    heard_at: str | None = None
    drain_requested_at: str | None = None
