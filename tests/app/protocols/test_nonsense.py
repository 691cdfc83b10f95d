"""Whatever a version is asked, the answer says what is wrong with it, and is never a 500."""

import io
import json
import random
from collections import Counter

import numpy as np
import pytest

from app.protocols.questions import QUESTIONS

pytestmark = pytest.mark.anyio

COLUMNS = ({"name": "age", "kind": "number"}, {"name": "city", "kind": "category", "categories": ["York"]})
NUMBERS = [0, 1, -1, 1.5, 1e39, -1e400, 2**63, 10**400, True, None, "1", "York", "\ud800", "\0", float("nan")]
SHAPES = [[], [1], [2], [1, 2], [1, 1, 1], [3, 2], [2, 2, 1], [4, 2], [300, 2]]
FIELDS = [
    "instances",
    "codes",
    "count",
    "seed",
    "latent",
    "interpolate",
    "label",
    "prompt",
    "max_tokens",
    "stop",
]
FIELDS += ["temperature", "top_k", "top_p", "stream", "extra"]
TYPES = [
    "application/json",
    "text/plain",
    "text/csv",
    "application/x-npy",
    "image/png",
    "image/jpeg",
    "x",
    "",
]
ACCEPTS = ["*/*", "image/png", "application/x-npy", "text/event-stream", "text/plain", "q;q=q", ""]
QUERIES = [
    "",
    "?top_k=2",
    "?top_k=%00",
    "?attention=true",
    "?invert=no",
    "?invert=",
    "?%ff=%ff",
    "?top_k=2&top_k=x",
]


def identity(made, name, inputs, outputs):
    """Make a role that hands its input through."""
    role = made.role(name, inputs, outputs)
    (only,) = inputs
    for output, shape in outputs.items():
        role.node("Reshape", [only, role.constant(np.array([-1, *shape]))], [output])
    return role


def publish_all(registry, made, speller):
    """Publish one version of each sort."""
    ones = np.ones((1, 2), np.float32)
    rows = {"vector": (2,)}
    registry.publish("classes")
    predict = identity(made, "predict", rows, {"probabilities": (2,)})
    registry.publish("vectors", **made.artifact([predict], {"predict": {"vector": ones}}, labels=("a", "b")))
    sequences = identity(made, "predict", {"sequence": (3, 2)}, {"values": (3, 2)})
    examples = {"predict": {"sequence": np.ones((1, 3, 2), np.float32)}}
    artifact = made.artifact([sequences], examples, task="regression", variable_length=True)
    registry.publish("sequences", **artifact)
    table = made.role("predict", {"age": (), "city": ()}, {"values": ()})
    table.node("Add", ["age", "city"], ["values"])
    examples = {"predict": dict.fromkeys(("age", "city"), ones[:, 0])}
    registry.publish("table", **made.artifact([table], examples, task="regression", columns=COLUMNS))
    text = made.role("predict", {"text": ((4,), "int32")}, {"values": (4,)})
    text.node("Cast", ["text"], ["values"], to=1)
    schema = {"tokens": "word", "vocabulary": 3, "lowercase": False}
    files = {"vocabulary.json": b'["", "\\ufffd", "York"]'}
    examples = {"predict": {"text": np.ones((1, 4), np.int32)}}
    registry.publish("text", **made.artifact([text], examples, task="regression", text=schema, files=files))
    whole = made.role("reconstruct", rows, {"reconstruction": (2,), "error": ()})
    whole.node("Identity", ["vector"], ["reconstruction"])
    whole.node("ReduceSum", ["vector", whole.constant(np.array([1]))], ["error"], keepdims=0)
    coder = [
        identity(made, "encode", rows, {"codes": (2,)}),
        identity(made, "decode", {"codes": (2,)}, {"reconstruction": (2,)}),
        whole,
        identity(made, "sample", {"latent": (2,)}, {"sample": (2,)}),
    ]
    examples = {"encode": {"vector": ones}, "decode": {"codes": ones}, "reconstruct": {"vector": ones}}
    examples["sample"] = {"latent": ones}
    registry.publish("coder", **made.artifact(coder, examples, task="reconstruction", threshold=1.0))
    registry.publish("bard", **speller("Yo rk").artifact(made))
    return ["classes", "vectors", "sequences", "table", "text", "coder", "bard"]


def value(dice):
    kind = dice.randrange(6)
    if kind == 0:
        return dice.choice(NUMBERS)
    if kind == 1:
        return {dice.choice(["age", "city", "a/~"]): dice.choice(NUMBERS) for _ in range(2)}
    if kind == 2:
        return [value(dice) for _ in range(dice.randrange(3))]
    array = np.full(dice.choice(SHAPES), dice.choice([0.5, 1, -3])).tolist()
    if kind == 3 and isinstance(array, list) and array:
        array[dice.randrange(len(array))] = dice.choice(NUMBERS)
    return array if kind < 5 else dice.choice(["York", "Yo", "", "a" * 70_000, 3])


def body(dice):
    kind = dice.randrange(10)
    if kind == 0:
        return dice.choice(
            [b"", b"{", b"null", b"[]", b"\xff", b"age\n1", b"\x93NUMPY\x01\x00", b"\x89PNG\r\n"]
        )
    if kind == 1:
        content = io.BytesIO()
        np.save(content, np.full(dice.choice(SHAPES), dice.choice([1.0, np.nan, 1e39])))
        found = bytearray(content.getvalue())
        if dice.random() < 0.3:
            found[dice.randrange(len(found))] ^= 1 << dice.randrange(8)
        return bytes(found)
    fields = dice.sample(FIELDS, dice.choice([1, 1, 1, 2, 3]))
    return json.dumps({field: value(dice) for field in fields}).encode()


async def check(client, models, count):
    statuses = Counter()
    for seed in range(count):
        dice = random.Random(seed)
        path = f"/api/v1/models/{dice.choice(models)}/{dice.choice(list(QUESTIONS))}{dice.choice(QUERIES)}"
        headers = {"content-type": dice.choice(TYPES[:1] * 8 + TYPES), "accept": dice.choice(ACCEPTS)}
        answer = await client.post(path, content=body(dice), headers=headers)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (seed, path, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", seed
            assert answer.json()["detail"], seed
    assert {200, 400, 406, 409, 415, 422} <= statuses.keys(), statuses


async def test_nonsense_is_refused_politely(client, registry, made, speller):
    await check(client, publish_all(registry, made, speller), 4000)


@pytest.mark.long
async def test_much_nonsense_is_refused_politely(client, registry, made, speller):
    await check(client, publish_all(registry, made, speller), 30_000)
