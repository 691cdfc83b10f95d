"""Bodies that are one tensor and nothing else, for every sort of input."""

import numpy as np
import pytest
from made import Made
from tensors import LENGTH, as_bytes, error, outputs_of, sized

RAW = {LENGTH: "0"}


@pytest.fixture(scope="module")
def client(module_service, module_registry, texts):
    made = Made()
    waves = made.role("predict", {"steps": (4, 2)}, {"values": (4, 2)})
    waves.node("Identity", ["steps"], ["values"])
    module_registry.publish(
        "waves",
        **made.artifact(
            [waves],
            {"predict": {"steps": np.ones((1, 4, 2), np.float32)}},
            task="regression",
            variable_length=True,
        ),
    )
    pair = made.role("predict", {"a": (1,), "b": (1,)}, {"sum": (1,)})
    pair.node("Add", ["a", "b"], ["sum"])
    ones = np.ones((1, 1), np.float32)
    module_registry.publish(
        "pair", **made.artifact([pair], {"predict": {"a": ones, "b": ones}}, task="regression")
    )
    with module_service.client("predict") as client:
        yield client


def ask(client, model, content, **headers):
    return client.post(f"/v2/models/{model}/infer", content=content, headers=RAW | headers)


def test_a_text_is_all_of_a_body_without_its_length(client):
    for accept in ({}, {"Accept": "application/json"}):
        answer = ask(client, "texts", b"Good bad", **accept)
        assert outputs_of(answer)["values"].tolist() == [[2, 3]]
        assert (LENGTH in answer.headers) is not bool(accept)
    assert "byte 0 is not" in error(ask(client, "texts", b"\xff"))
    assert "has no word" in error(ask(client, "texts", b""))


def test_the_length_of_a_sequence_follows_from_its_size(client):
    steps = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    found = outputs_of(ask(client, "waves", steps.tobytes()))["values"]
    np.testing.assert_array_equal(found[0, :3], steps)
    assert np.isnan(found[0, 3]).all()
    assert "a multiple of 8 bytes of FP32, got 12" in error(ask(client, "waves", bytes(12)))
    assert "a multiple of 8 bytes of FP32, got 0" in error(ask(client, "waves", b""))
    assert "[-1, 1 to 4, 2], got [1, 5, 2]" in error(ask(client, "waves", bytes(40)))


def test_a_raw_body_is_for_one_input(client):
    assert "this one has 2: a, b" in error(ask(client, "pair", bytes(8)))


def test_every_input_must_be_there(client):
    one = as_bytes([sized("a", [1, 1], "FP32", 4)], bytes(4))
    assert "expected 2 inputs but got 1; missing: b" in error(client.post("/v2/models/pair/infer", **one))
    uneven = as_bytes([sized("a", [1, 1], "FP32", 4), sized("b", [2, 1], "FP32", 8)], bytes(12))
    assert "different numbers of rows" in error(client.post("/v2/models/pair/infer", **uneven))
