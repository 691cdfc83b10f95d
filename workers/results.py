"""Results: what a child says at its end about the files it leaves, and how they reach the store."""

from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from app.storage import Stored
from models.schema import TEST_FILE, VOCABULARY_FILE, WEIGHTS_FILE, X_FILE, Y_FILE, DatasetSchema
from models.signature import Signature


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore", serialize_by_alias=True)


class TrainingResult(_Result):
    """The result of a trainer; ``files`` maps paths below the output folder to media types."""

    files: dict[str, str]
    metrics: dict[str, Any]
    parameters: int = Field(ge=0, lt=2**31)
    signature: Signature
    best: dict[str, Any] | None
    stop_reason: str | None = Field(max_length=255)
    parity: dict[str, Any]


class EvaluationResult(_Result):
    """The result of an evaluator; ``files`` maps paths below the output folder to media types."""

    files: dict[str, str]
    metrics: dict[str, Any]


class ReadingResult(_Result):
    """The result of a reader; its files have the canonical names."""

    dataset_schema: DatasetSchema = Field(alias="schema")
    profile: dict[str, Any]
    split: dict[str, Any]
    warnings: list[Any]
    digest: str = Field(max_length=255)

    @property
    def files(self) -> dict[str, str]:
        """The files that the reader leaves: targets and weights where rows have any, a text's vocabulary."""
        schema = self.dataset_schema
        optional = {Y_FILE: schema.labels or schema.targets, WEIGHTS_FILE: schema.weights}
        arrays = [X_FILE, *(name for name, is_there in optional.items() if is_there), TEST_FILE]
        files = dict.fromkeys(arrays, "application/x-npy")
        return files | ({VOCABULARY_FILE: "application/json"} if schema.text else {})


class Taker(Protocol):
    """What takes files: a store."""

    def adopt(self, source: Path) -> Stored:
        """Move ``source`` into the store."""


def adopt(store: Taker, output: Path, files: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Move the files that a child left into the store; return where each is kept, by its path.

    Raises:
        ValueError: a path leaves the output folder, or names no file.
        OSError: the store cannot take a file.
    """
    sources = {path: _source(output, path) for path in files}
    adopted = {}
    for path, source in sources.items():
        stored = store.adopt(source)
        adopted[path] = {"sha256": stored.sha256, "bytes": stored.bytes, "media_type": files[path]}
    return adopted


def _source(output: Path, path: str) -> Path:
    source = output / path
    if source.is_symlink() or not source.is_file() or not source.resolve().is_relative_to(output.resolve()):
        raise ValueError(f"expected a file below the output folder, got {path!r}")
    return source
