"""The best epoch of a job: by which figure it is chosen, and which value of it is better."""

from collections.abc import Mapping

from app.tables import Job


def monitored(job: Job, metrics: Mapping[str, float | None]) -> str:
    """Return the figure by which the best epoch is chosen."""
    early_stopping = ((job.resolved or {}).get("training") or {}).get("early_stopping") or {}
    key: str = early_stopping.get("monitor", "val_loss")
    return key if key in metrics else "loss"


def is_better(key: str, value: float, best: float | None) -> bool:
    """Tell whether ``value`` beats the best so far."""
    if best is None:
        return True
    return value > best if key.endswith("accuracy") else value < best
