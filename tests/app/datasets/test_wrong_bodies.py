import httpx
import pytest

# Nothing that is refused here reaches the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CONTENT = "sha256:" + "0" * 64
NEW_DATASETS = [
    ({"name": "Upper"}, "/name"),
    ({"name": "a", "kind": "sounds"}, "/kind"),
    ({"name": "a", "builtin": "cifar"}, "/builtin"),
    ({"name": "a", "colour": "red"}, "/colour"),
    ({"name": "a", "builtin": "digits", "options": {"test_fraction": 2}}, "/options/test_fraction"),
    ({"name": "a", "options": {}}, ""),
    ({"name": "a\0"}, "/name"),
    ({}, "/name"),
    (["a"], ""),
]
NEW_VERSIONS = [
    ({"content": CONTENT}, "/content"),
    ({"content": "md5:0"}, "/content"),
    ({"builtin": "cifar"}, "/builtin"),
    ({"builtin": "digits", "content": CONTENT}, ""),
    ({}, ""),
    ({"builtin": "digits", "file": "x"}, "/file"),
]
QUERIES = [
    ("test_fraction=2", "test_fraction"),
    ("seed=x", "seed"),
    ("seed=99999999999999999999999", "seed"),
    ("colour=red", "colour"),
    ("range=1&range=0", "query"),
    ("filename=" + "x" * 256, "filename"),
]


def places(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def test_what_is_wrong_with_a_new_dataset_is_told_with_its_place(client: httpx.Client) -> None:
    for body, pointer in NEW_DATASETS:
        assert places(client.post("/api/v1/datasets", json=body)) == [pointer], body
    assert client.get("/api/v1/datasets").json()["items"] == []


def test_what_is_wrong_with_a_new_version_is_told_with_its_place(client: httpx.Client, npz: bytes) -> None:
    client.post("/api/v1/datasets", json={"name": "mine"})
    path = "/api/v1/datasets/mine/versions"
    for body, pointer in NEW_VERSIONS:
        assert places(client.post(path, json=body)) == [pointer], body
    for query, parameter in QUERIES:
        assert places(client.post(f"{path}?{query}", content=npz)) == [parameter], query
    assert client.get(path).json()["items"] == []


def test_what_is_not_json_is_told_apart_from_what_is_wrong(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "mine"})
    for path in ("/api/v1/datasets", "/api/v1/datasets/mine/versions"):
        for body in (b"{", b"", b'{"name": NaN}', b'{"name": "a", "name": "b"}', b"\xff", b"[" * 100_000):
            answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
            # An empty body is nothing, rather than wrong JSON.
            expected = (400, "malformed_json") if body else (422, "validation_failed")
            assert (answer.status_code, answer.json()["code"]) == expected, body[:20]
