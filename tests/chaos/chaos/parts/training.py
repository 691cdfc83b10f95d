"""Real trainings, whose workers and children are killed; those that are equal must end equal, bit for bit."""

import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from chaos.checker import Violation
from chaos.client import submit_all
from chaos.evidence import Evidence
from chaos.faults import Killer, drawn
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import Plan, running
from chaos.waiting import until
from onnx import numpy_helper

GROUPS = 5
KILLS_A_JOB = 0.25
LONGEST_WAIT_SECONDS = 4.0
AHEAD = 2
DATASET = "rows"
GRAPH = "predict.onnx"


def run(options: Options, folder: Path) -> Outcome:
    """Train the same few jobs again and again, and kill meanwhile."""
    count = options.trainings
    with timed(Outcome("training")) as outcome:
        with running(folder, Plan(slots=1, trainer=True), options.seed) as service:
            killer, client = Killer(service, options.seed), service.client()
            targets = drawn(round(KILLS_A_JOB * count), options.seed, {"child": 0.7, "worker": 0.3})
            choose, ends = random.Random(options.seed), time.monotonic() + options.seconds
            for number in range(count):
                if time.monotonic() > ends:
                    break
                submit_all([client], [_job(options.seed, number)])
                if choose.random() < KILLS_A_JOB and targets:
                    until(service.children, "a training")
                    time.sleep(choose.uniform(0, LONGEST_WAIT_SECONDS))
                    killer.strike(targets.pop())
                until(lambda: service.over() >= number - AHEAD, "jobs to go on", 3600)  # noqa: B023
            service.wait(3600)
            service.settle()
        evidence = judge(outcome, service)
        outcome.violations += [Violation("I10", message) for message in ends_differ(evidence)]
    return outcome


def _job(seed: int, number: int) -> tuple[str, dict[str, Any]]:
    key = f"training-{seed}-{number}"
    group = number % GROUPS
    training = {"epochs": 3 + group, "seed": group, "batch_size": 32}
    body = {"model": f"digits-{group}", "dataset": DATASET, "network": {"preset": "cnn-small"}}
    return key, body | {"training": training, "tags": {"key": key}}


def ends_differ(evidence: Evidence) -> Iterator[str]:
    """Tell of equal jobs that learned something else."""
    found = defaultdict(set)
    for version in evidence.versions:
        job = evidence.jobs[version.job_id]
        metrics = {name: value for name, value in version.metrics.items() if isinstance(value, float)}
        [graph, *_] = evidence.copies(version.files[GRAPH]["sha256"])
        learned = (weights_of(graph), tuple(sorted(metrics.items())))
        found[evidence.work(job)].add(learned)
    for work, ends in found.items():
        if len(ends) > 1:
            yield f"{work} ended in {len(ends)} different ways: {sorted(ends)}"


def weights_of(graph: Path) -> str:
    """Return a digest of all numbers in a graph; names in it differ from one export to the next."""
    constants = onnx.load(str(graph)).graph.initializer
    digests = sorted(hashlib.sha256(numpy_helper.to_array(each).tobytes()).digest() for each in constants)
    return hashlib.sha256(b"".join(digests)).hexdigest()
