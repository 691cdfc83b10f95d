"""The words between a supervisor and a child: one order in, a stream of events out.

An order is a directory that holds ``order.json``; the child writes its files below ``output/`` there.
Events are JSON objects, one on a line, ``{"type": …, "data": {…}}``. Exit statuses follow sysexits(3):
0 done, 64 bad input, 70 internal error, 75 stopped as asked.

A child is told two things, by different means. SIGTERM, or the end of its standard input, means *leave*:
write a checkpoint, then exit with 75. The line ``stop`` on its standard input means *finish*: train no
further, evaluate, and give the result of what there is. Finishing, it may still be told to leave.

Checkpoints of a job outlive its attempts: they lie in ``CHECKPOINTS_DIR/<job>`` of the data folder, which
the order names. An attempt that goes on from one says so by ``resumed``; then it tells again the last epochs
up to there, of which the supervisor writes those that were lost.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.schema import DatasetSchema, Kind
from models.signature import Signature
from models.specs.network import NetworkSpec
from models.specs.training import TrainingSpec

ORDER_FILE = "order.json"
OUTPUT_DIR = "output"
CHECKPOINTS_DIR = "checkpoints"
# What a supervisor writes to a child's standard input for it to finish early.
STOP_LINE = b"stop\n"
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


class GangOrder(_Message):
    """Train together with others; ``addresses`` are those of all members, by rank, and 0 is the chief."""

    rank: int
    addresses: tuple[str, ...] = Field(strict=False)


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
    gang: GangOrder | None = None
    checkpoints: Path | None = Field(None, description="Folder of the job's checkpoints, if any are kept.")
    checkpoint_seconds: float = Field(
        30.0, ge=0, description="How much time lies between two checkpoints, about; 0: as little as can be."
    )
    resume: bool = Field(False, description="Whether to go on from the newest checkpoint that verifies.")


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


class EvaluationOrder(_Message):
    """Examine a version on the test rows of a dataset.

    ``files`` maps canonical names to paths, ``artifact`` those of the version's files that are asked for.
    """

    kind: Literal["evaluation"] = "evaluation"
    job: str
    attempt: int
    version: str = Field(description="For the report: name@number.")
    dataset: str = Field(description="For the report: name@number.")
    dataset_schema: DatasetSchema
    files: dict[str, Path]
    network: NetworkSpec
    training: TrainingSpec
    signature: Signature
    artifact: dict[str, Path]
    threads: int


Order = Annotated[TrainingOrder | ReadingOrder | EvaluationOrder, Field(discriminator="kind")]


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
    stop_reason, parity}; that of reading {schema, profile, split, warnings, digest}; that of an evaluation
    {files, metrics}. ``error`` is a :class:`Failure`.
    """

    type: Literal["phase", "epoch", "progress", "log", "checkpoint", "resumed", "result", "error"]
    data: dict[str, Any]
