from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from app.exposition import Families, Family, add, join, lasting, written


def parsed(families: Families) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what Prometheus' own reader finds: samples by family, name and labels."""
    return {
        f"{family.name} {family.type}": {
            (sample.name, *(f"{name}={value}" for name, value in sample.labels.items())): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(written(families).decode())
    }


def measured(requests: int, seconds: float, memory: float, process: str) -> Families:
    registry, own = CollectorRegistry(), CollectorRegistry()
    Counter("asked", "Asked.", ["route"], registry=registry).labels("/a").inc(requests)
    Histogram("took", "Took.", buckets=(1, 2), registry=registry).observe(seconds)
    Gauge("memory", "Memory.", registry=own).set(memory)
    families: Families = {}
    add(families, registry.collect())
    add(families, own.collect(), process=process)
    return families


def test_what_two_processes_counted_is_summed_and_what_they_are_stands_side_by_side() -> None:
    families = measured(3, 0.5, 100, "1")
    join(families, measured(4, 1.5, 200, "2"))
    found = parsed(families)
    assert found["asked counter"][("asked_total", "route=/a")] == 7
    assert found["memory gauge"] == {("memory", "process=1"): 100, ("memory", "process=2"): 200}
    took = found["took histogram"]
    assert [took["took_bucket", f"le={bound}"] for bound in ("1.0", "2.0", "+Inf")] == [1, 2, 2]
    assert (took["took_count",], took["took_sum",]) == (2, 2)


def test_a_process_that_is_gone_leaves_what_it_counted_and_not_what_it_was() -> None:
    assert parsed(lasting(measured(3, 0.5, 100, "1"))).keys() == {"asked counter", "took histogram"}


def test_a_counter_keeps_a_name_that_other_servers_gave_it() -> None:
    samples = {("nv_inference_count", (("model", "digits"),)): 5.0}
    families = {"nv_inference_count": Family("counter", "Rows.", samples)}
    assert b'# TYPE nv_inference_count counter\nnv_inference_count{model="digits"} 5.0\n' in written(families)


def test_what_only_one_process_has_counted_is_one_family_all_the_same() -> None:
    registry = CollectorRegistry()
    Counter("asked", "Asked.", ["route"], registry=registry)
    families: Families = {}
    add(families, registry.collect())
    assert parsed(families) == {"asked counter": {}}
    join(families, measured(3, 0.5, 100, "1"))
    assert list(families) == ["asked_total", "took", "memory"]


def test_labels_are_escaped() -> None:
    odd = 'a"b\\c\nd'
    families = {"x": Family("gauge", "X.", {("x", (("name", odd),)): 1.0})}
    assert parsed(families)["x gauge"] == {("x", f"name={odd}"): 1}
