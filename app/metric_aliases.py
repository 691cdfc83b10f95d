"""Measurements under the names that dashboards of other servers look for, made of our own."""

from collections.abc import Mapping

from app.exposition import Families, Family, Labels, number

# How the families begin that :mod:`app.serving_metrics` collects, and the outcome that is a success.
PREFIX = "keraforge_predict"
ANSWERED = "answered"

_MICROSECONDS = 1e6
_TRITON_REASONS = {"failed": "BACKEND", "rejected": "REJECTED", "expired": "OTHER", "cancelled": "CANCELED"}
_TRITON_COUNTS = {
    "nv_inference_count": ("rows", "Number of inferences performed, each row by itself."),
    "nv_inference_exec_count": ("executions", "Number of model executions performed, each on a batch."),
}
_TRITON_PENDING = "nv_inference_pending_request_count"
_TRITON_DURATIONS = {
    "nv_inference_request_duration_us": ("seconds", "Cumulative inference request duration in microseconds."),
    "nv_inference_queue_duration_us": ("queue_seconds", "Cumulative queuing duration in microseconds."),
    "nv_inference_compute_input_duration_us": (
        "input_seconds",
        "Cumulative compute input duration in microseconds.",
    ),
    "nv_inference_compute_infer_duration_us": (
        "compute_seconds",
        "Cumulative compute inference duration in microseconds.",
    ),
    "nv_inference_compute_output_duration_us": (
        "output_seconds",
        "Cumulative inference compute output duration in microseconds.",
    ),
}
_TF_STATUSES = {
    ANSWERED: "OK",
    "failed": "INTERNAL",
    "rejected": "UNAVAILABLE",
    "expired": "DEADLINE_EXCEEDED",
    "cancelled": "CANCELLED",
}
# Of each, what we count, in how many of its units, and labels that are always the same.
_TF_HISTOGRAMS: Mapping[str, tuple[str, float, str, Labels]] = {
    ":tensorflow:serving:request_latency": (
        "seconds",
        _MICROSECONDS,
        "Distribution of wall time (in microseconds).",
        (("entrypoint", "REST"),),
    ),
    ":tensorflow:serving:runtime_latency": (
        "compute_seconds",
        _MICROSECONDS,
        "Distribution of wall time (in microseconds) of the runtime.",
        (("runtime", "ONNX Runtime"),),
    ),
    ":tensorflow:serving:batching_session:queuing_latency": (
        "queue_seconds",
        _MICROSECONDS,
        "Distribution of time (in microseconds) spent waiting for a batch.",
        (),
    ),
    ":tensorflow:serving:batching_session:processed_batch_size": (
        "batch_rows",
        1.0,
        "Distribution of the rows of batches that were run.",
        (),
    ),
}


def aliases(families: Families) -> Families:
    """Return what Triton's and TensorFlow Serving's dashboards look for, from what was collected.

    What they would measure and we do not is left out, such as which of TensorFlow Serving's APIs was asked.
    """
    if f"{PREFIX}_requests_total" not in families:
        return {}
    return {**_triton(families), **_tf_serving(families)}


def _triton(families: Families) -> Families:
    outcomes = families[f"{PREFIX}_requests_total"].samples
    success, failure = "nv_inference_request_success", "nv_inference_request_failure"
    found = {
        success: Family("counter", "Number of successful inference requests.", {}),
        failure: Family("counter", "Number of failed inference requests.", {}),
    }
    for (_, labels), count in outcomes.items():
        others, outcome = _without(labels, "outcome")
        if outcome == ANSWERED:
            found[success].samples[success, others] = count
        else:
            reason = ("reason", _TRITON_REASONS[outcome])
            found[failure].samples[failure, tuple(sorted((*others, reason)))] = count
    for name, (source, documentation) in _TRITON_COUNTS.items():
        counted = families[f"{PREFIX}_{source}_total"].samples
        samples = {(name, labels): count for (_, labels), count in counted.items()}
        found[name] = Family("counter", documentation, samples)
    waiting = families[f"{PREFIX}_pending"].samples
    pending = {(_TRITON_PENDING, labels): count for (_, labels), count in waiting.items()}
    found[_TRITON_PENDING] = Family("gauge", "Number of requests that wait or run at this moment.", pending)
    for name, (source, documentation) in _TRITON_DURATIONS.items():
        timed = families[f"{PREFIX}_{source}"].samples
        samples = {
            (name, labels): float(round(seconds * _MICROSECONDS))
            for (sample, labels), seconds in timed.items()
            if sample.endswith("_sum")
        }
        found[name] = Family("counter", documentation, samples)
    return found


def _tf_serving(families: Families) -> Families:
    """Return those of TensorFlow Serving, which count the versions of a model together."""
    name = ":tensorflow:serving:request_count"
    found = {name: Family("counter", "The total number of requests.", {})}
    for (_, labels), count in families[f"{PREFIX}_requests_total"].samples.items():
        others, outcome = _without(labels, "outcome")
        _count(found[name], name, (*_model_of(others), ("status", _TF_STATUSES[outcome])), count)
    for name, (source, unit, documentation, constant) in _TF_HISTOGRAMS.items():
        found[name] = Family("histogram", documentation, {})
        for (sample, labels), value in families[f"{PREFIX}_{source}"].samples.items():
            suffix = sample.rpartition("_")[2]
            others, bound = _without(labels, "le")
            told = (*_model_of(others), *constant)
            if suffix == "bucket":
                told = (*told, ("le", number(float(bound) * unit)))
            _count(found[name], f"{name}_{suffix}", told, value * unit if suffix == "sum" else value)
    return found


def _count(family: Family, name: str, labels: Labels, value: float) -> None:
    key = (name, tuple(sorted(labels)))
    family.samples[key] = family.samples.get(key, 0.0) + value


def _model_of(labels: Labels) -> Labels:
    return (("model_name", dict(labels)["model"]),)


def _without(labels: Labels, name: str) -> tuple[Labels, str]:
    """Return labels without one of them, and the value of that; an empty text if it is not among them."""
    values = dict(labels)
    value = values.pop(name, "")
    return tuple(values.items()), value
