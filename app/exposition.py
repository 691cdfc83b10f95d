"""Families of measurements: added up over several web processes, and written as Prometheus reads them."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# What goes on growing; the rest is true of one moment of one process.
LASTING = frozenset({"counter", "histogram"})

Labels = tuple[tuple[str, str], ...]


class Family(NamedTuple):
    """All that is measured under one name; ``samples`` go by their own name and their labels, sorted."""

    type: str
    documentation: str
    samples: dict[tuple[str, Labels], float]


Families = dict[str, Family]


def add(families: Families, metrics: Iterable[Metric], **labels: str) -> None:
    """Add what collectors measured; ``labels`` are put on every sample."""
    for metric in metrics:
        name = metric.name
        if metric.type == "counter":
            # Here the suffix belongs to the samples only; as it is written, it belongs to the family.
            name += "_total"
        samples = families.setdefault(name, Family(metric.type, metric.documentation, {})).samples
        for sample in metric.samples:
            key = (sample.name, tuple(sorted({**sample.labels, **labels}.items())))
            samples[key] = samples.get(key, 0.0) + sample.value


def join(families: Families, others: Families) -> None:
    """Add another process's families to ``families``: what both have measured is summed."""
    for name, (kind, documentation, samples) in others.items():
        mine = families.setdefault(name, Family(kind, documentation, {})).samples
        for key, value in samples.items():
            mine[key] = mine.get(key, 0.0) + value


def lasting(families: Families) -> Families:
    """Return the families that outlive the process that measured them."""
    return {name: family for name, family in families.items() if family.type in LASTING}


def written(families: Families) -> bytes:
    """Return families in Prometheus' text format.

    The library's own writer puts ``_total`` behind the name of every counter; those of other servers lack it.
    """
    lines: list[str] = []
    for name, (kind, documentation, samples) in families.items():
        lines.append(f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n")
        lines += [
            f"{sample}{_braced(labels)} {number(value)}\n" for (sample, labels), value in samples.items()
        ]
    return "".join(lines).encode()


def number(value: float) -> str:
    """Return a number as it is written."""
    return "+Inf" if value == math.inf else repr(float(value))


def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels]
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
