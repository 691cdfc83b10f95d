"""The files of a version: what there is, and where each is kept."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from app.errors import NotFound, shortened
from app.registry.schemas import ArtifactList, ArtifactRead
from app.storage import Store
from app.tables import Job, ModelVersion

REPORT_FILE, CARD_FILE = "report.json", "card.md"


@dataclass(frozen=True)
class StoredFile:
    """A file to be sent."""

    path: Path
    name: str
    sha256: str
    media_type: str
    bytes: int


class Artifact(Protocol):
    """What has files: a version, or what an evaluation left."""

    @property
    def files(self) -> dict[str, Any]:
        """Where each file is kept, by its path: ``{sha256, bytes, media_type}``."""


class Findings(NamedTuple):
    """The files that an evaluation left."""

    files: dict[str, Any]


def left_by(job: Job) -> Artifact | None:
    """Return what a job has left; None before its end."""
    if job.kind == "evaluation":
        return Findings(job.result.get("files", {})) if job.result is not None else None
    return job.model_version


def listed(artifact: Artifact | None, base: str) -> ArtifactList:
    """Return the files of an artifact, by path; none while there is none. ``base`` is their address."""
    files = artifact.files if artifact is not None else {}
    return ArtifactList(
        items=[ArtifactRead(path=path, href=f"{base}/{path}", **files[path]) for path in sorted(files)]
    )


def stored(artifact: Artifact | None, path: str, store: Store) -> StoredFile:
    """Return where a file is; raises NotFound for a path that the artifact does not have."""
    file = (artifact.files if artifact is not None else {}).get(path)
    if file is None:
        raise NotFound(
            f"There is no file {shortened(path)} in the artifact. Its list names all that there are."
        )
    return StoredFile(
        store.fetch(file["sha256"]),
        path.rpartition("/")[2],
        file["sha256"],
        file["media_type"],
        file["bytes"],
    )


def report(artifact: Artifact, store: Store) -> dict[str, Any]:
    """Return the report of a version or of an evaluation; raises NotFound where there is none."""
    read: dict[str, Any] = json.loads(stored(artifact, REPORT_FILE, store).path.read_bytes())
    return read


def card(version: ModelVersion, store: Store) -> str:
    """Return the model card of a version, Markdown; raises NotFound for a version without one."""
    return stored(version, CARD_FILE, store).path.read_text(encoding="utf-8")
