"""Cloning: the body of a new job, made of one that exists and of edits."""

from collections.abc import Mapping
from typing import Any

from app.fields import original
from app.tables import Job


def merged(job: Job, edits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that ``job`` was submitted with, with ``edits`` merged into it (RFC 7396).

    What a name meant when the job was submitted it means here too, unless the edits name something else.
    """
    body = dict(job.request)
    if (version := job.dataset_version) is not None:
        body["dataset"] = f"{original(version.dataset.name)}@{version.number}"
    if start := (job.resolved or {}).get("start_from"):
        body["start_from"] = start["version"]
    body |= {"priority": job.priority, "tags": job.tags}
    whole: dict[str, Any] = _merge(body, edits)
    return whole


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result
