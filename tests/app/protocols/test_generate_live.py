import json
import socket
import time

import numpy as np
import pytest

from app.serving.execution import PLACES

PATH = "/api/v1/models/bard/generate"
SIZE = 1500


@pytest.fixture
def slow(registry, made):
    """A network that takes about a millisecond for each character: all places are taken for minutes."""
    vocabulary = ["", "\ufffd", "a", "b"]
    step = made.role(
        "step", {"token": ((), "int32"), "state_1": (SIZE,)}, {"logits": (4,), "next_state_1": (SIZE,)}
    )
    step.node("MatMul", ["state_1", step.constant(np.zeros((SIZE, SIZE), np.float32))], ["next_state_1"])
    step.node("Gather", [step.constant(np.eye(4, dtype=np.float32)), "token"], ["logits"], axis=0)
    examples = {"token": np.array([2], np.int32), "state_1": np.ones((1, SIZE), np.float32)}
    artifact = made.artifact(
        [step],
        {"step": examples},
        task="generation",
        text={"tokens": "character", "vocabulary": 4, "lowercase": False},
        files={"vocabulary.json": json.dumps(vocabulary).encode()},
    )
    return registry.publish("bard", **artifact)


def opened(service, key):
    """Ask for a long stream; return the connection once the answer has begun."""
    body = json.dumps({"prompt": "a", "max_tokens": 4096, "stream": True}).encode()
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=60)
    lines = [f"POST {PATH} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    connection.sendall(head.encode() + body)
    return connection


def test_all_places_may_be_taken_and_are_free_again_when_their_clients_leave(service, slow):
    key = service.key("predict")
    asked = {"prompt": "a", "max_tokens": 1}
    with service.client(key=key) as client:
        assert client.post(PATH, json=asked).status_code == 200
        connections = [opened(service, key) for _ in range(PLACES)]
        for connection in connections:
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
        refused = client.post(PATH, json=asked)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        # What is no text is answered all the while.
        assert client.get("/healthz").status_code == 200
        for connection in connections:
            connection.close()
        deadline = time.monotonic() + 30
        while client.post(PATH, json=asked).status_code != 200:
            assert time.monotonic() < deadline, "no place became free"
            time.sleep(0.02)
