"""Datasets of every kind, over REST, from the upload to the preview."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

# No query here differs between the databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Upload = Callable[..., dict[str, Any]]
PREVIEW = "/api/v1/datasets/mine/versions/1/preview"
TABLE = "size,colour,species\n" + "".join(
    f"{row},{['red', ''][row % 2]},{'ab'[row % 2]}\n" for row in range(20)
)
VECTORS = np.arange(60, dtype=np.float32).reshape(20, 3) / 10


def saved(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def test_vectors_are_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    version = upload("vectors", saved(x=VECTORS, y=VECTORS[:, 0] / 0.7))
    assert (version["schema"]["targets"], version["warnings"]) == (["y"], [])
    row = client.get(PREVIEW, params={"offset": 7, "limit": 1}).json()["rows"][0]
    # As people write them, not as a float32 is in double precision.
    assert (row["values"], row["targets"]) == ([2.1, 2.2, 2.3], [3])
    assert row["label"] is None
    picture = client.get(PREVIEW, headers={"Accept": "image/png"})
    assert Image.open(io.BytesIO(picture.content)).width > 128


def test_pictures_are_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for row in range(20):
            with archive.open(f"letters/{'ab'[row % 2]}/{row}.png", "w") as file:
                Image.new("L", (6, 4), row).save(file, "PNG")
    version = upload("images", content.getvalue(), filename="letters.zip", size=[2, 3])
    assert version["schema"]["labels"] == ["a", "b"]
    assert (version["schema"]["shape"], version["schema"]["image"]["high"]) == ([2, 3, 1], 255)
    assert version["profile"]["classes"] == {"a": 10, "b": 10}
    # Rows stand in the order of the files' names: a/0, a/10, …
    row = client.get(PREVIEW, params={"offset": 1, "limit": 1}).json()["rows"][0]
    assert (row["label"], row["values"]) == ("a", [[[10]] * 3] * 2)
    picture = client.get(PREVIEW, headers={"Accept": "image/png"})
    assert Image.open(io.BytesIO(picture.content)).width > 128


def test_a_picture_that_cannot_be_read_is_named(upload: Upload) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a/1.png", b"not a picture")
    version = upload("images", content.getvalue())
    assert (version["state"], version["error"]["code"]) == ("invalid", "bad_data")
    assert "'a/1.png' is not a whole PNG or JPEG picture" in version["error"]["message"]


def test_idx_files_are_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, rows in (("train", 20), ("t10k", 10)):
            pixels = b"\0\0\x08\x03" + struct.pack(">3I", rows, 4, 4) + bytes(range(16)) * rows
            archive.writestr(f"{name}-images-idx3-ubyte.gz", gzip.compress(pixels))
            classes = b"\0\0\x08\x01" + struct.pack(">I", rows) + bytes(row % 2 for row in range(rows))
            archive.writestr(f"{name}-labels-idx1-ubyte.gz", gzip.compress(classes))
    version = upload("images", content.getvalue(), filename="mnist.zip")
    assert version["split"] == {"method": "given", "train_rows": 20, "test_rows": 10}
    row = client.get(PREVIEW, params={"offset": 21, "limit": 1}).json()["rows"][0]
    assert (row["label"], row["split"]) == ("1", "test")
    assert row["values"][1] == [[4], [5], [6], [7]]


def test_vectors_that_cannot_be_read_say_where(upload: Upload) -> None:
    version = upload("vectors", saved(x=np.where(np.isclose(VECTORS, 0.4), np.nan, VECTORS)))
    assert (version["state"], version["error"]["code"]) == ("invalid", "bad_data")
    assert "NaN, infinite or beyond ±1e+30, first in row 1" in version["error"]["message"]


def test_rows_without_a_target_have_none(client: httpx.Client, upload: Upload) -> None:
    version = upload("images", saved(x=np.arange(20 * 16, dtype=np.uint16).reshape(20, 4, 4)))
    assert (version["schema"]["labels"], version["schema"]["targets"]) == ([], [])
    row = client.get(PREVIEW, params={"limit": 1}).json()["rows"][0]
    assert (row["label"], row["targets"], row["split"]) == (None, None, row["split"])


def test_a_builtin_brings_its_kind(client: httpx.Client, read_next: Callable[[], None]) -> None:
    created = client.post("/api/v1/datasets", json={"name": "iris", "builtin": "iris"})
    assert (created.status_code, created.json()["kind"]) == (202, "table")
    read_next()
    assert client.get("/api/v1/datasets/iris").json()["latest"]["schema"]["labels"][0] == "setosa"


def test_a_builtin_may_have_values_as_its_target(client: httpx.Client, read_next: Callable[[], None]) -> None:
    client.post("/api/v1/datasets", json={"name": "progress", "builtin": "diabetes"})
    read_next()
    latest = client.get("/api/v1/datasets/progress").json()["latest"]
    assert (latest["schema"]["targets"], latest["schema"]["labels"]) == (["target"], [])
    columns = {column["name"]: column for column in latest["profile"]["columns"]}
    assert list(columns)[:3] == ["age", "sex", "bmi"]
    # In years, not scaled.
    assert columns["age"]["max"] > 60


def test_a_builtin_that_cannot_be_fetched_is_invalid_and_says_why(
    client: httpx.Client, read_next: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there: that is a machine without a network, whatever this one has.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    created = client.post("/api/v1/datasets", json={"name": "reviews", "builtin": "imdb"})
    assert (created.status_code, created.json()["kind"]) == (202, "text")
    read_next()
    latest = client.get("/api/v1/datasets/reviews").json()["latest"]
    assert (latest["state"], latest["error"]["code"]) == ("invalid", "bad_data")
    assert "fetched from ai.stanford.edu, which this machine cannot reach" in latest["error"]["message"]
    assert "upload it" in latest["error"]["hint"]


def test_a_builtin_of_another_kind_is_refused(client: httpx.Client) -> None:
    body = {"name": "iris", "kind": "images", "builtin": "iris"}
    assert client.post("/api/v1/datasets", json=body).json()["errors"][0]["pointer"] == "/builtin"
    client.post("/api/v1/datasets", json={"name": "mine"})
    answer = client.post("/api/v1/datasets/mine/versions", json={"builtin": "iris"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/builtin")


def test_an_option_of_another_kind_is_refused(client: httpx.Client) -> None:
    for kind, option, value in (
        ("images", "target", "a"),
        ("table", "tokens", "word"),
        ("text", "size", [1, 2]),
        ("vectors", "range", [0, 1]),
    ):
        client.post("/api/v1/datasets", json={"name": kind, "kind": kind})
        content = saved(x=VECTORS) if kind in ("images", "vectors") else "a,b\n"
        answer = client.post(f"/api/v1/datasets/{kind}/versions", params={option: value}, content=content)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == f"/options/{option}"


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("table", b"\x89PNG\r\n\x1a\n" + bytes(100), 415),
        ("table", b"PK\x03\x04" + bytes(100), 415),
        ("table", b"a\0b\0", 415),
        ("table", b"PAR1" + bytes(100), 422),
        ("text", b"PAR1" + bytes(100), 415),
        ("vectors", b"a,b\n1,2\n", 415),
        ("images", b"a,b\n1,2\n", 415),
    ],
)
def test_a_file_of_another_kind_is_refused_at_its_first_bytes(
    kind: str, content: bytes, status: int, client: httpx.Client
) -> None:
    client.post("/api/v1/datasets", json={"name": "mine", "kind": kind})
    assert client.post("/api/v1/datasets/mine/versions", content=content).status_code == status


def test_an_option_that_needs_another_is_refused_without_it(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "mine", "kind": "table"})
    for query in ({"split": "hash"}, {"split_column": "a"}):
        answer = client.post("/api/v1/datasets/mine/versions", params=query, content=TABLE)
        assert (answer.status_code, "split" in answer.text) == (422, True)


def test_sequences_are_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    x = np.arange(120, dtype=np.float32).reshape(20, 3, 2)
    x[4, 1:] = np.nan
    version = upload("sequences", saved(x=x, y=np.arange(20) % 2))
    assert version["schema"]["variable_length"] is True
    rows = client.get(PREVIEW, params={"offset": 4, "limit": 2}).json()["rows"]
    assert [row["values"] for row in rows] == [x[4, :1].tolist(), x[5].tolist()]
    picture = client.get(PREVIEW, headers={"Accept": "image/png"})
    assert len(Image.open(io.BytesIO(picture.content)).getcolors(10**6)) > 2
