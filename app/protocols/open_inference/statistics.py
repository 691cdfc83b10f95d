"""What became of the requests to versions, as Triton tells it: counts, and durations in nanoseconds."""

from collections.abc import Iterable
from typing import Any

from app.serving.statistics import Histogram, VersionStatistics


def document_of(found: Iterable[VersionStatistics]) -> dict[str, Any]:
    """Return the statistics of some versions."""
    return {"model_stats": [_of_version(each) for each in found]}


def _of_version(told: VersionStatistics) -> dict[str, Any]:
    parts = {
        "success": told.request,
        "queue": told.queue,
        "compute_input": told.input,
        "compute_infer": told.compute,
        "compute_output": told.output,
    }
    # What was not answered is not timed, and no answer is given twice.
    untimed = {"fail": sum(told.failures.values()), "cache_hit": 0, "cache_miss": 0}
    batches = sorted(told.batches.items())
    return {
        "name": told.model,
        "version": str(told.number),
        "last_inference": int(told.last_at * 1000),
        "inference_count": told.rows,
        "execution_count": told.executions,
        "inference_stats": {
            **{name: _of_histogram(histogram) for name, histogram in parts.items()},
            **{name: _duration(count, 0.0) for name, count in untimed.items()},
        },
        "batch_stats": [
            {
                "batch_size": rows,
                "compute_input": _duration(batch.count, batch.input),
                "compute_infer": _duration(batch.count, batch.compute),
                "compute_output": _duration(batch.count, batch.output),
            }
            for rows, batch in batches
        ],
    }


def _of_histogram(histogram: Histogram) -> dict[str, int]:
    return _duration(histogram.count, histogram.sum)


def _duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": round(seconds * 1e9)}
