"""Whatever a dialect is asked, the answer says what is wrong with it, and is never a 500."""

import gzip
import json
import random
import zlib
from collections import Counter

import numpy as np
import pytest

COLUMNS = ({"name": "age", "kind": "number"}, {"name": "city", "kind": "category", "categories": ["York"]})
VALUES = [0, 1, -1, 1.5, 1e39, -1e400, 2**63, 10**400, True, None, "1", "York", "\ud800", "\0", float("nan")]
SHAPES = [[], [1], [2], [1, 2], [3, 2], [1, 8, 8, 1], [2, 8, 8], [0, 2], [300, 2], [2**40, 2], [-1, 2], [1.5]]
MEMBERS = ["signature_name", "instances", "inputs", "examples", "context", "outputs", "parameters", "id"]
MEMBERS += ["text_input", "max_tokens", "prompt", "model", "n", "stop", "stream", "logprobs", "echo"]
DATATYPES = ["FP32", "FP32", "FP32", "FP16", "INT32", "BOOL", "BYTES", "BF16", "", 3, None]
NAMES = ["vector", "image", "age", "city", "text", "probabilities", "values", "b64", ""]


@pytest.fixture
def client(service):
    """A client of the whole web process that may do nothing but predict."""
    with service.client("predict") as client:
        yield client


@pytest.fixture
def models(registry, made, speller):
    """Publish one version of each sort."""
    registry.publish("classes")
    vectors = made.role("predict", {"vector": (2,)}, {"values": (2,)})
    vectors.node("Identity", ["vector"], ["values"])
    examples = {"predict": {"vector": np.ones((1, 2), np.float32)}}
    registry.publish("vectors", **made.artifact([vectors], examples, task="regression"))
    table = made.role("predict", {"age": (), "city": ()}, {"values": ()})
    table.node("Add", ["age", "city"], ["values"])
    examples = {"predict": dict.fromkeys(("age", "city"), np.ones(1, np.float32))}
    registry.publish("table", **made.artifact([table], examples, task="regression", columns=COLUMNS))
    registry.publish("bard", **speller("Yo rk").artifact(made))
    return ["classes", "vectors", "table", "bard"]


def array(dice):
    sides = [side for side in dice.choice(SHAPES) if isinstance(side, int) and 0 <= side <= 300]
    found = np.full(sides, dice.choice([0.5, 1, -3])).tolist()
    if isinstance(found, list) and found and dice.random() < 0.4:
        found[dice.randrange(len(found))] = dice.choice(VALUES)
    return found


def value(dice, depth=0):
    kind = dice.randrange(7 if depth < 3 else 3)
    if kind < 2:
        return array(dice)
    if kind == 2:
        return dice.choice(VALUES)
    if kind == 3:
        return [value(dice, depth + 1) for _ in range(dice.randrange(3))]
    if kind == 4:
        return {dice.choice(NAMES): value(dice, depth + 1) for _ in range(dice.randrange(3))}
    return [tensor(dice) for _ in range(dice.choice([1, 1, 2]))]


def tensor(dice):
    whole = {
        "name": dice.choice(NAMES),
        "datatype": dice.choice(DATATYPES),
        "shape": dice.choice(SHAPES),
        "data": array(dice),
        "parameters": {
            dice.choice(["binary_data_size", "binary_data", "classification"]): dice.choice(VALUES)
        },
    }
    return {name: whole[name] for name in whole if dice.random() < (0.3 if name == "parameters" else 0.9)}


def asked(dice, models):
    model = dice.choice(models)
    path = dice.choice(
        [
            *(f"/v1/models/{model}:{verb}" for verb in ("predict", "predict", "classify", "regress")),
            *[f"/v2/models/{model}/infer"] * 4,
            f"/v2/models/{model}/generate",
            f"/v2/models/{model}/generate_stream",
            "/v1/completions",
            "/v2/repository/index",
        ]
    )
    members = dice.sample(MEMBERS, dice.choice([1, 2, 3]))
    if path.endswith("infer"):
        members = ["inputs", *members]
    body = {member: value(dice) for member in members} | ({"model": model} if "completions" in path else {})
    if "inputs" in body and path.endswith("infer") and dice.random() < 0.8:
        body["inputs"] = [tensor(dice) for _ in range(dice.choice([1, 1, 1, 2]))]
    content, headers = json.dumps(body).encode(), {}
    if dice.random() < 0.3:
        place = dice.choice([0, len(content), len(content) // 2, len(content) + 5])
        headers["Inference-Header-Content-Length"] = dice.choice([str(place), "x", "-1"])
        content += dice.randbytes(dice.choice([0, 8, 256]))
    if dice.random() < 0.1:
        headers["Content-Encoding"], pack = dice.choice(
            [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", bytes)]
        )
        content = pack(content)
    if dice.random() < 0.1:
        content = content[: dice.randrange(len(content) + 1)]
    return path, content, headers


def check(client, models, count):
    statuses = Counter()
    for seed in range(count):
        path, content, headers = asked(random.Random(seed), models)
        answer = client.post(path, content=content, headers=headers)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (seed, path, content[:300], answer.text)
        if answer.status_code >= 400:
            assert answer.json()["error"], (seed, path)
    assert {200, 400, 415, 422} <= statuses.keys(), statuses


def test_nonsense_is_refused_politely(client, models):
    check(client, models, 400)


@pytest.mark.long
def test_much_nonsense_is_refused_politely(client, models):
    check(client, models, 20_000)
