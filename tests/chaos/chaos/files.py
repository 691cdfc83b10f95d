"""What jobs left on the disk: I5, every file is what its row says; I9, nothing is left over."""

from collections.abc import Iterator
from pathlib import Path

from chaos import fold
from chaos.evidence import Evidence

from app.storage import file_digest

NETWORK_FILE = "network.keras"


def files_are_what_was_written(evidence: Evidence) -> Iterator[str]:
    """Each file of each version is there, whole, and of a scripted job holds what it had to compute."""
    looked_at: dict[str, bool] = {}
    for version in evidence.versions:
        for name, file in version.files.items():
            digest = file["sha256"]
            if digest not in looked_at:
                looked_at[digest] = _is_whole(evidence, digest, file["bytes"])
            if not looked_at[digest]:
                yield f"{name} of {version.id} is not what was published"
        yield from _wrong_network(evidence, version.job_id, version.files)


def _is_whole(evidence: Evidence, digest: str, size: int) -> bool:
    found = evidence.copies(digest)
    return bool(found) and all(
        place.stat().st_size == size and file_digest(place) == digest for place in found
    )


def _wrong_network(evidence: Evidence, job_id: str, files: dict[str, dict[str, str]]) -> Iterator[str]:
    job = evidence.jobs.get(job_id)
    if not evidence.is_scripted or job is None or NETWORK_FILE not in files:
        return
    state, _ = fold.expected(evidence.work(job))
    digest = files[NETWORK_FILE]["sha256"]
    if any(path.read_bytes() != state for path in evidence.copies(digest)):
        yield f"the network of {job_id} is not what a run without a fault computes"


def nothing_is_left_over(evidence: Evidence) -> Iterator[str]:
    """No order, no half-written file, and no checkpoint of a job that needs none."""
    for home in evidence.homes:
        for order in _in(home / "orders"):
            yield f"{order} was left behind"
        for folder in _in(home / "checkpoints"):
            job = evidence.jobs.get(folder.name)
            if job is None or job.state in {"succeeded", "cancelled"}:
                yield f"the checkpoints of {folder.name} were left behind"
            for unfinished in folder.glob("unfinished-*"):
                yield f"{unfinished} was left behind"


def _in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
