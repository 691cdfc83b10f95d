"""The words between a supervisor and a child: one order in, a stream of events out.

An order is a directory that holds ``order.json``; the child writes its files below ``output/`` there.
Events are JSON objects, one on a line, ``{"type": …, "data": {…}}``. Exit statuses follow sysexits(3):
0 done, 64 bad input, 70 internal error, 75 stopped as asked.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.schema import DatasetSchema, Kind
from models.specs.network import NetworkSpec
from models.specs.training import TrainingSpec

ORDER_FILE = "order.json"
OUTPUT_DIR = "output"
# The trained network, in a version's artifact.
NETWORK_FILE = "network.keras"
EXIT_DONE, EXIT_BAD_INPUT, EXIT_INTERNAL, EXIT_STOPPED = 0, 64, 70, 75

ErrorCode = Literal[
    "bad_data", "diverged", "out_of_memory", "crashed", "hung", "worker_lost", "time_limit", "storage_low",
    "export_mismatch", "internal",
]  # fmt: skip


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(_Message):
    """The version whose weights a network starts with; ``files`` maps names in its artifact to paths."""

    version: str = Field(description="For the report: name@number.")
    network: NetworkSpec
    dataset_schema: DatasetSchema
    files: dict[str, Path]


class TrainingOrder(_Message):
    """Train one network. ``files`` maps canonical names (``x.npy`` …) to absolute paths."""

    kind: Literal["training"] = "training"
    job: str
    attempt: int
    model: str
    dataset: str = Field(description="For the card: name@number.")
    dataset_schema: DatasetSchema
    files: dict[str, Path]
    network: NetworkSpec
    training: TrainingSpec
    start_from: Start | None = None
    sent: dict[str, Any] = Field({}, description="The network and the training as they were sent.")
    threads: int


class ReadingOrder(_Message):
    """Read an upload or a built-in dataset into canonical form."""

    kind: Literal["reading"] = "reading"
    job: str
    attempt: int
    dataset_kind: Kind
    builtin: str | None = None
    file: Path | None = None
    filename: str | None = None
    options: dict[str, Any]
    max_bytes: int = Field(description="Largest total size of the canonical files, in bytes.")


Order = Annotated[TrainingOrder | ReadingOrder, Field(discriminator="kind")]


class Failure(_Message):
    """Why a job failed, in words for its owner."""

    code: ErrorCode
    message: str
    hint: str | None = None
    retryable: bool = False


class ChildEvent(_Message):
    """One line of a child.

    ``phase`` {phase}; ``epoch`` {epoch, epochs, step, metrics, seconds, eta}; ``progress`` {epoch, epochs,
    step, steps}; ``log`` {level, message}; ``result`` and ``error`` come at most once and last. The
    ``result`` of training is {files: {path: media type}, metrics, parameters, signature, best,
    stop_reason, parity}; that of reading {schema, profile, split, warnings, digest}. ``error`` is a
    :class:`Failure`.
    """

    type: Literal["phase", "epoch", "progress", "log", "result", "error"]
    data: dict[str, Any]
