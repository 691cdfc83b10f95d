"""Whatever is sent to whatever address: the answer says what is wrong with it, and is never a 500."""

import json
import random
import re
from collections import Counter
from typing import Any

import httpx
import pytest

from app.keys.scopes import QUESTIONS, SCOPES

# What versions are asked needs a running engine, and has its own tests.
ROUTES = [route for route in SCOPES if "/api/v1/" in route and not route.endswith(QUESTIONS)]
TEXTS = [
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "x",
        "digits",
        "digits@1",
        "é",
        "..",
        "%2e%2e",
        "%00",
        "%ff",
        "%ed%a0%80",
        "{}",
        "~",
    ),
    *(
        "null",
        "9" * 30,
        "9" * 3000,
        "1e400",
        "a/b",
        "job_01jd3n6y0q8v5w2x4z7b9c1d3f",
        "'; drop table jobs;--",
        "%25",
    ),
    *("_", "*", "\u202e", "champion", "report.json", "a" * 300),
]
VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1,
        2**31,
        2**63 - 1,
        2**63,
        10**40,
        1.5,
        1e308,
        "",
        "digits",
        "digits@1",
        "\0",
        "\ud800",
    ),
    *(
        "a" * 70_000,
        [],
        [[]],
        {},
        {"a": 1},
        {"preset": "cnn-small"},
        {"preset": []},
        {"family": {}},
        {"epochs": 0},
    ),
    *({"family": "cnn", "blocks": [1]}, {"family": "cnn", "dense": [10**30]}, {"optimizer": "adam"}),
    *(
        {"class_weight": {"/~": -1}},
        {"augmentation": [{}]},
        {"shape": [8, 8, 1], "classes": 3},
        "sha256:" + "0" * 64,
    ),
]
FIELDS = [
    *("name", "kind", "builtin", "options", "content", "model", "dataset", "network", "training", "promote"),
    *("priority", "tags", "notes", "version", "force", "input", "scopes", "expires_at", "extra"),
]
QUERIES = [
    *(
        "limit",
        "cursor",
        "after",
        "level",
        "keys",
        "max_points",
        "offset",
        "kind",
        "state",
        "model",
        "filename",
    ),
    *("test_fraction", "seed", "labels", "range"),
]
HEADERS = ["If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "Range", "Accept"]
BODIES = [b"", b"{", b"[]", b"null", b"NaN", b"\xff\xfe", b"PK\x03\x04xx", b"\xef\xbb\xbf{}"]


def send(client: httpx.Client, dice: random.Random) -> httpx.Response:
    method, template = dice.choice(ROUTES).split(" ")
    path = re.sub(r"\{[^}]+\}", lambda _: dice.choice(TEXTS), template)
    query = "&".join(f"{name}={dice.choice(TEXTS)}" for name in dice.sample(QUERIES, dice.randint(0, 3)))
    headers = {
        name: dice.choice([*filter(str.isascii, TEXTS)]) for name in dice.sample(HEADERS, dice.randint(0, 2))
    }
    content = None
    if method in ("POST", "PUT", "PATCH"):
        fields = {name: dice.choice(VALUES) for name in dice.sample(FIELDS, dice.randint(0, 7))}
        content = json.dumps(fields).encode() if dice.random() < 0.8 else dice.choice(BODIES)
        headers["Content-Type"] = dice.choice(["application/json", "application/json", "text/plain"])
    return client.request(method, f"http://localhost{path}?{query}", headers=headers, content=content)


def check(client: httpx.Client, rows: Any, count: int) -> None:
    rows.training(), rows.reading()
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    statuses: Counter[int] = Counter()
    for seed in range(count):
        answer = send(client, random.Random(seed))
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (seed, answer.request.url, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", seed
            assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.json().keys(), seed
    assert {200, 400, 404, 422} <= statuses.keys()


def test_nonsense_is_refused_politely(client: httpx.Client, rows: Any) -> None:
    check(client, rows, 300)


@pytest.mark.long
def test_much_nonsense_is_refused_politely(client: httpx.Client, rows: Any) -> None:
    check(client, rows, 3000)
