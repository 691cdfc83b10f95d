"""Which core has what: the server one, whoever measures another, as far as there are two."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from benchmarks import servers
from benchmarks.load import request_bytes
from benchmarks.made import SIDE, Registry
from benchmarks.servers import Server

ROWS = 16


@contextmanager
def served(registry: Registry) -> Iterator[Server]:
    """Run a web process on one core, and what is inside on another."""
    cores = os.sched_getaffinity(0)
    first, last = min(cores), max(cores)
    with servers.keraforge(SimpleNamespace(settings=registry.settings), {first}) as server:
        os.sched_setaffinity(0, {last})
        try:
            yield server
        finally:
            os.sched_setaffinity(0, cores)


@contextmanager
def shared(registry: Registry) -> Iterator[Server]:
    """Run a web process on all cores, as everything else."""
    with servers.keraforge(SimpleNamespace(settings=registry.settings), os.sched_getaffinity(0)) as server:
        yield server


def questions(registry: Registry, name: str, rows: int = 1) -> list[bytes]:
    """Return requests for predictions of a model, so many rows each."""
    images = np.random.default_rng(0).integers(0, 17, (ROWS, rows, SIDE, SIDE, 1))
    headers = {"Authorization": f"Bearer {registry.key}"}
    bodies = [json.dumps({"instances": each.tolist()}).encode() for each in images]
    return [request_bytes(f"/api/v1/models/{name}/predict", body, headers) for body in bodies]
