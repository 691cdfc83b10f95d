import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.exposition import Families, add, join, written
from app.metric_aliases import aliases
from app.serving.statistics import Histogram, VersionStatistics
from app.serving_metrics import ServingCollector


def version(name: str, number: int, owner: str = "local") -> VersionStatistics:
    """Two requests of 3 rows each in one run, and one of each sort of failure, the last sort twice."""
    told = VersionStatistics(owner, name, number)
    told.executed(6, (0.001, 0.004, 0.002))
    for _ in range(2):
        told.answered(3, 0.01, (0.001, 0.004, 0.002))
    for reason in told.failures:
        told.failed(reason)
    told.failed("cancelled")
    told.pending = 3
    return told


def collected(*versions: VersionStatistics) -> Families:
    families: Families = {}
    add(families, ServingCollector(versions).collect())
    return families


def parsed(families: Families) -> dict[str, Metric]:
    """Return what Prometheus' own reader finds, by the name of the family."""
    text = written(families).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: Families, name: str, **labels: str) -> float:
    """Return the one sample with these labels, exactly."""
    (found,) = (
        samples[name, tuple(sorted(labels.items()))]
        for _, _, samples in families.values()
        if (name, tuple(sorted(labels.items()))) in samples
    )
    return found


def test_versions_are_told_by_model_and_number() -> None:
    families = collected(version("digits", 1), version("digits", 2))
    for number in ("1", "2"):
        labels = {"model": "digits", "version": number}
        assert value(families, "keraforge_predict_requests_total", **labels, outcome="answered") == 2
        assert value(families, "keraforge_predict_requests_total", **labels, outcome="cancelled") == 2
        assert value(families, "keraforge_predict_rows_total", **labels) == 6
        assert value(families, "keraforge_predict_executions_total", **labels) == 1
        assert value(families, "keraforge_predict_batch_rows_bucket", **labels, le="4.0") == 0
        assert value(families, "keraforge_predict_batch_rows_bucket", **labels, le="8.0") == 1
        assert value(families, "keraforge_predict_seconds_count", **labels) == 2
        assert value(families, "keraforge_predict_seconds_sum", **labels) == pytest.approx(0.034)
        assert value(families, "keraforge_predict_queue_seconds_sum", **labels) == pytest.approx(0.02)
        assert value(families, "keraforge_predict_compute_seconds_bucket", **labels, le="0.0025") == 0
        assert value(families, "keraforge_predict_compute_seconds_bucket", **labels, le="0.005") == 2


def test_models_of_two_owners_that_are_called_the_same_are_one_series() -> None:
    families = collected(version("digits", 1, "ada"), version("digits", 1, "bob"))
    labels = {"model": "digits", "version": "1"}
    assert value(families, "keraforge_predict_rows_total", **labels) == 12
    assert written(families).decode().count('keraforge_predict_rows_total{model="digits",version="1"}') == 1


def test_triton_s_names_have_triton_s_units() -> None:
    families = aliases(collected(version("digits", 1)))
    labels = {"model": "digits", "version": "1"}
    expected = {
        "nv_inference_request_success": 2,
        "nv_inference_count": 6,
        "nv_inference_exec_count": 1,
        "nv_inference_request_duration_us": 34_000,
        "nv_inference_queue_duration_us": 20_000,
        "nv_inference_compute_input_duration_us": 2_000,
        "nv_inference_compute_infer_duration_us": 8_000,
        "nv_inference_compute_output_duration_us": 4_000,
    }
    assert {name: value(families, name, **labels) for name in expected} == expected
    reasons = {"BACKEND": 1, "REJECTED": 1, "OTHER": 1, "CANCELED": 2}
    failed = "nv_inference_request_failure"
    assert {reason: value(families, failed, **labels, reason=reason) for reason in reasons} == reasons
    kinds = {name: kind for name, (kind, _, _) in families.items() if name.startswith("nv_")}
    pending = "nv_inference_pending_request_count"
    assert (kinds.pop(pending), value(families, pending, **labels)) == ("gauge", 3)
    assert set(kinds.values()) == {"counter"}


def test_tensorflow_serving_s_names_count_the_versions_of_a_model_together() -> None:
    families = aliases(collected(version("digits", 1), version("digits", 2)))
    statuses = {"OK": 4, "INTERNAL": 2, "UNAVAILABLE": 2, "DEADLINE_EXCEEDED": 2, "CANCELLED": 4}
    counted = ":tensorflow:serving:request_count"
    assert {each: value(families, counted, model_name="digits", status=each) for each in statuses} == statuses
    latency = ":tensorflow:serving:request_latency"
    labels = {"model_name": "digits", "entrypoint": "REST"}
    assert value(families, f"{latency}_count", **labels) == 4
    assert value(families, f"{latency}_sum", **labels) == pytest.approx(68_000)
    assert value(families, f"{latency}_bucket", **labels, le="10000.0") == 0
    assert value(families, f"{latency}_bucket", **labels, le="25000.0") == 4
    assert value(families, f"{latency}_bucket", **labels, le="+Inf") == 4


def test_tensorflow_serving_s_names_tell_of_the_runtime_and_of_batches() -> None:
    families = aliases(collected(version("digits", 1)))
    runtime, model = ":tensorflow:serving:runtime_latency", {"model_name": "digits"}
    labels = {**model, "runtime": "ONNX Runtime"}
    assert value(families, f"{runtime}_sum", **labels) == pytest.approx(8_000)
    assert value(families, f"{runtime}_bucket", **labels, le="2500.0") == 0
    assert value(families, f"{runtime}_bucket", **labels, le="5000.0") == 2
    queue = ":tensorflow:serving:batching_session:queuing_latency"
    assert value(families, f"{queue}_sum", **model) == pytest.approx(20_000)
    assert value(families, f"{queue}_bucket", **model, le="10000.0") == 2
    size = ":tensorflow:serving:batching_session:processed_batch_size"
    assert (value(families, f"{size}_sum", **model), value(families, f"{size}_count", **model)) == (6, 1)
    assert value(families, f"{size}_bucket", **model, le="4.0") == 0
    assert value(families, f"{size}_bucket", **model, le="8.0") == 1


def test_aliases_follow_from_the_sum_of_several_processes() -> None:
    families = collected(version("digits", 1))
    join(families, collected(version("digits", 1), version("faces", 3)))
    told = aliases(families)
    assert value(told, "nv_inference_count", model="digits", version="1") == 12
    assert value(told, "nv_inference_count", model="faces", version="3") == 6


def test_prometheus_reads_all_of_it() -> None:
    families = collected(version("digits", 1))
    families |= aliases(families)
    found = parsed(families)
    # Its reader takes the suffix for a part of the type.
    assert found.keys() == {name.removesuffix("_total") for name in families}
    assert {family.type for family in found.values()} == {"counter", "gauge", "histogram"}
    for family in found.values():
        if family.type == "histogram":
            assert family.samples[0].name == f"{family.name}_bucket"
            counts = [each.value for each in family.samples if each.name.endswith("_bucket")]
            assert counts == sorted(counts)


def test_nothing_is_told_of_nothing() -> None:
    assert aliases({}) == {}
    assert b"{" not in written(collected())


def test_bounds_are_those_of_the_statistics() -> None:
    told = Histogram((1.0, 2.0))
    told.add(1.0)
    assert told.cumulative() == [(1.0, 1), (2.0, 1), (float("inf"), 1)]


@pytest.fixture
def asked(service: Any, registry: Any) -> Iterator[httpx.Client]:
    registry.publish("digits")
    with service.client("predict") as client:
        yield client


@pytest.mark.parametrize("address", ["/metrics", "/monitoring/prometheus/metrics"])
def test_what_was_asked_over_any_dialect_is_measured(
    asked: httpx.Client, address: str, until: Callable[..., Any]
) -> None:
    rows = [[[0.0] * 8] * 8] * 2
    body = {"instances": rows}
    for path in ("/api/v1/models/digits/predict", "/v1/models/digits:predict"):
        assert asked.post(path, json=body).status_code == 200
    tensor = {"name": "image", "datatype": "FP32", "shape": [2, 8, 8, 1], "data": [0.0] * 128}
    assert asked.post("/v2/models/digits/infer", json={"inputs": [tensor]}).status_code == 200

    def told() -> str:
        answer = httpx.get(f"{asked.base_url}{address}")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return answer.text

    until(lambda: 'nv_inference_request_success{model="digits",version="1"} 3.0' in told())
    text = told()
    assert 'nv_inference_count{model="digits",version="1"} 6.0' in text
    assert ':tensorflow:serving:request_count{model_name="digits",status="OK"} 3.0' in text
    assert re.search(r'keraforge_predict_seconds_count\{model="digits",version="1"\} 3\.0', text)
    assert list(text_string_to_metric_families(text))


def test_answers_that_strict_readers_refuse_are_counted(service: Any, registry: Any, made: Any) -> None:
    role = made.role("predict", {"x": (1,)}, {"same": (1,)})
    role.node("Identity", ["x"], ["same"])
    examples = {"predict": {"x": np.ones((1, 1), np.float32)}}
    registry.publish("echo", **made.artifact([role], examples, task="regression"))

    def infer(value: str, *, binary: bool) -> str:
        tensor = f'{{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [{value}]}}'
        return f'{{"inputs": [{tensor}], "parameters": {{"binary_data_output": {str(binary).lower()}}}}}'

    predict, inference = "/v1/models/echo:predict", "/v2/models/echo/infer"
    with service.client("predict") as client:
        for path, body in (
            (predict, '{"instances": [[NaN]]}'),
            (predict, '{"inputs": [[Infinity]]}'),
            (inference, infer("NaN", binary=False)),
            # These any reader takes.
            (predict, '{"instances": [[1]]}'),
            (inference, infer("NaN", binary=True)),
        ):
            assert client.post(path, content=body).status_code == 200
        text = client.get("/metrics").text
    assert 'keraforge_predict_nonfinite_total{model="echo",version="1"} 3.0' in text
