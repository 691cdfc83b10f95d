from collections.abc import Iterator

import httpx
import numpy as np
import pytest


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"predict_body_bytes": 4 * 1024**2})


@pytest.fixture
def client(service) -> Iterator[httpx.Client]:
    """A client of the whole web process that may do nothing but predict."""
    with service.client("predict") as client:
        yield client


@pytest.fixture
def table(made):
    """Publishes ``table``: it answers ``2 a + b``, where ``b`` is a category, with one value."""

    def publish(registry):
        role = made.role("predict", {"a": (), "b": ()}, {"values": (1,)})
        two, axis = role.constant(np.float32(2)), role.constant(np.array([1], np.int64))
        role.node("Mul", ["a", two], ["twice"])
        role.node("Add", ["twice", "b"], ["sum"])
        role.node("Unsqueeze", ["sum", axis], ["values"])
        columns = [
            {"name": "a", "kind": "number"},
            {"name": "b", "kind": "category", "categories": ("red", "blue")},
        ]
        examples = {"a": np.zeros(2, np.float32), "b": np.ones(2, np.float32)}
        artifact = made.artifact(
            [role], {"predict": examples}, task="regression", targets=["c"], columns=columns
        )
        return registry.publish("table", **artifact)

    return publish
