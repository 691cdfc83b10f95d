import asyncio
import itertools
import json
import re
import socket
import threading
import time

import httpx
import numpy as np
import pytest

SIZE = 1200
PATH = "/api/v1/models/slow/predict"


@pytest.fixture
def slow(registry, made):
    """A network that takes tens of milliseconds for each row."""
    role = made.role("predict", {"x": (SIZE,)}, {"values": (SIZE,)})
    weights = role.constant(np.eye(SIZE, dtype=np.float32))
    names = ["x", *(f"layer_{number}" for number in range(40)), "values"]
    for taken, given in itertools.pairwise(names):
        role.node("MatMul", [taken, weights], [given])
    artifact = made.artifact(
        [role],
        {"predict": {"x": np.ones((1, SIZE), np.float32)}},
        task="regression",
        targets=[f"t{number}" for number in range(SIZE)],
    )
    return registry.publish("slow", **artifact)


def outcomes(client):
    found = re.findall(
        r'keraforge_predict_requests_total\{.*outcome="(\w+)".*\} (\d+)', client.get("/metrics").text
    )
    return {outcome: int(count) for outcome, count in found}


def test_a_client_that_hangs_up_is_not_predicted_for(service, slow):
    key = service.key("predict")
    body = json.dumps({"instances": np.ones((1, SIZE)).tolist()}).encode()
    with service.client(key=key) as client:
        assert client.post(PATH, content=body).status_code == 200
        answers = []
        others = [
            threading.Thread(target=lambda: answers.append(client.post(PATH, content=body).status_code))
            for _ in range(6)
        ]
        for other in others:
            other.start()
        head = [f"POST {PATH} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        head += [f"Content-Length: {len(body)}", "", ""]
        deadline = time.monotonic() + 60
        while not outcomes(client).get("cancelled"):
            assert time.monotonic() < deadline, "nothing was cancelled"
            with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
                connection.sendall("\r\n".join(head).encode() + body)
        for other in others:
            other.join()
        assert answers == [200] * 6
        assert outcomes(client)["failed"] == 0


def test_requests_at_once_are_answered_as_one_by_one(service, registry):
    rng = np.random.default_rng(3)
    for seed in range(2):
        registry.publish(seed=seed)
    paths = [f"/api/v1/models/digits/versions/{number}/predict" for number in (1, 2)]
    paths += ["/v1/models/digits/versions/1:predict", "/v1/models/digits:predict"]
    # The larger ones run on threads, in pieces and together.
    asked = [
        (paths[rng.integers(len(paths))], rng.uniform(0, 16, (count, 8, 8, 1)).round(3).tolist())
        for count in rng.choice([1, 2, 5, 40, 300], 60).tolist()
    ]
    key = service.key("predict")

    def numbers(answer):
        assert answer.status_code == 200, answer.text
        predictions = answer.json()["predictions"]
        return np.array([row["probabilities"] if isinstance(row, dict) else row for row in predictions])

    async def all_at_once():
        headers, limits = {"Authorization": f"Bearer {key}"}, httpx.Limits(max_connections=16)
        async with httpx.AsyncClient(
            base_url=service.url, headers=headers, limits=limits, timeout=120, verify=False
        ) as client:
            return await asyncio.gather(
                *[client.post(path, json={"instances": rows}) for path, rows in asked]
            )

    together = asyncio.run(all_at_once())
    with service.client(key=key) as client:
        for (path, rows), answer in zip(asked, together, strict=True):
            alone = client.post(path, json={"instances": rows})
            np.testing.assert_allclose(numbers(answer), numbers(alone), rtol=0, atol=1e-5)
