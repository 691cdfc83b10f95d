import contextlib

import numpy as np
import pytest
from gated import Gated
from spelling import Speller

from app.serving.engine import Engine
from app.serving.execution import Execution


@pytest.fixture
def running(registry):
    """Run an engine with other settings."""

    @contextlib.contextmanager
    def run(settings):
        engine = Engine(registry.database, registry.store, settings)
        engine.start()
        try:
            yield engine
        finally:
            engine.close()

    return run


@pytest.fixture
def engine(running, settings):
    """An engine that follows the registry."""
    with running(settings) as engine:
        yield engine


@pytest.fixture
def speller():
    """A network that writes text."""
    return Speller


@pytest.fixture
def affine(made):
    """Answers ``y = 2 x`` and ``z = x + 1``."""
    role = made.role("predict", {"x": (4,)}, {"y": (4,), "z": (4,)})
    role.node("Mul", ["x", role.constant(np.float32(2))], ["y"])
    role.node("Add", ["x", role.constant(np.float32(1))], ["z"])
    return Gated(role)


@pytest.fixture
def chosen(made):
    """Answers the square of a number up to 9; a batch with any other number fails."""
    role = made.role("predict", {"number": ((), "int32")}, {"square": ()})
    squares = role.constant(np.arange(10, dtype=np.float32) ** 2)
    role.node("Gather", [squares, "number"], ["square"], axis=0)
    return Gated(role)


@pytest.fixture
def start(monkeypatch):
    """Make an execution of one worker, whose batches may take any time."""
    monkeypatch.setattr("app.serving.waiting.LONGEST_SECONDS", 1e6)
    started = []

    def begin(**options):
        started.append(Execution(workers=1, **options))
        return started[-1]

    yield begin
    for execution in started:
        execution.close()
