"""Tables, texts and sequences of steps, over REST, from the upload to the preview."""

import io
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

# No query here differs between the databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Upload = Callable[..., dict[str, Any]]
PREVIEW = "/api/v1/datasets/mine/versions/1/preview"
TABLE = "size,colour,species\n" + "".join(
    f"{row},{['red', ''][row % 2]},{'ab'[row % 2]}\n" for row in range(20)
)


def test_a_table_is_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    version = upload("table", TABLE, filename="plants.csv", target="species", test_fraction=0.5)
    assert (version["state"], version["schema"]["kind"]) == ("ready", "table")
    assert version["options"]["target"] == ["species"]
    assert [column["name"] for column in version["profile"]["columns"]] == ["size", "colour"]
    shown = client.get(PREVIEW, params={"limit": 2}).json()
    assert shown["columns"] == ["size", "colour"]
    assert [row["values"] for row in shown["rows"]] == [[0, "red"], [1, None]]
    assert [row["label"] for row in shown["rows"]] == ["a", "b"]
    # There is no picture of a table.
    assert client.get(PREVIEW, headers={"Accept": "image/png"}).headers["content-type"] == "application/json"


def test_rows_are_weighted_by_a_column(client: httpx.Client, upload: Upload) -> None:
    table = "size,trust,species\n" + "".join(f"{row},{row / 10},{'ab'[row % 2]}\n" for row in range(20))
    version = upload("table", table, filename="plants.csv", target="species", weight="trust")
    assert (version["state"], version["options"]["weight"]) == ("ready", "trust")
    assert version["schema"]["weights"] == "trust"
    assert version["profile"]["weights"]["max"] == pytest.approx(1.9)
    (row,) = client.get(PREVIEW, params={"offset": 7, "limit": 1}).json()["rows"]
    assert (row["values"], row["weight"]) == ([7], 0.7)
    picture = client.get("/api/v1/datasets/mine/versions/1/profile", headers={"Accept": "image/png"})
    assert picture.headers["content-type"] == "image/png"


def test_a_wrong_weight_is_told_with_row_and_column(upload: Upload) -> None:
    table = "size,trust,species\n" + "".join(f"{row},{5 - row},{'ab'[row % 2]}\n" for row in range(20))
    version = upload("table", table, filename="plants.csv", target="species", weight="trust")
    assert version["state"] == "invalid"
    assert version["error"]["message"].startswith("The weight of row 6 in 'trust' is -1; a number from 0")


def test_texts_are_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    lines = "".join(f'{{"text": "Good, {row}!", "label": "{"ab"[row % 2]}"}}\n' for row in range(20))
    version = upload("text", lines, filename="reviews.jsonl", length=3)
    assert (version["state"], version["schema"]["labels"]) == ("ready", ["a", "b"])
    assert version["schema"]["text"] == {"tokens": "word", "vocabulary": 20, "lowercase": True}
    assert version["profile"]["top"]["good"] == 16
    shown = client.get(PREVIEW, params={"limit": 100}).json()["rows"]
    row = next(row for row in shown if row["split"] == "train")
    assert (row["values"], row["text"]) == (["good", ",", str(row["row"])], f"good, {row['row']}")
    # There is no picture of a text.
    assert client.get(PREVIEW, headers={"Accept": "image/png"}).headers["content-type"] == "application/json"


def test_a_corpus_is_uploaded_and_its_last_blocks_are_for_the_test(upload: Upload) -> None:
    options = {"layout": "corpus", "tokens": "character", "length": 9}
    version = upload("text", "All work and no play.\n" * 10, filename="book.txt", **options)
    assert (version["schema"]["shape"], version["schema"]["rows"]) == ([10], 22)
    assert version["split"] == {"method": "last", "test_fraction": 0.2, "train_rows": 17, "test_rows": 5}


def test_texts_that_cannot_be_read_say_where(upload: Upload) -> None:
    version = upload("text", '{"text": "fine"}\n{"text": 3}\n', filename="reviews.jsonl")
    assert (version["state"], version["error"]["code"]) == ("invalid", "bad_data")
    assert "Line 2 has no `text` that is a string" in version["error"]["message"]


def test_steps_in_a_table_are_read_as_sequences(client: httpx.Client, upload: Upload) -> None:
    steps = "walk,time,x,gait\n" + "".join(
        f"{walk},{time},{walk}.{time},{'ab'[walk % 2]}\n" for time in (2, 1) for walk in range(20)
    )
    columns = {"sequence_column": "walk", "time_column": "time", "target": "gait"}
    version = upload("sequences", steps, filename="walks.csv", **columns)
    assert (version["schema"]["shape"], version["schema"]["labels"]) == ([2, 1], ["a", "b"])
    row = client.get(PREVIEW, params={"offset": 3, "limit": 1}).json()["rows"][0]
    assert (row["values"], row["label"]) == ([[3.1], [3.2]], "b")


def test_sequences_that_cannot_be_read_say_where(upload: Upload) -> None:
    version = upload("sequences", "walk,x\n1,2\n1,\n", sequence_column="walk")
    assert (version["state"], version["error"]["code"]) == ("invalid", "bad_data")
    assert version["error"]["message"] == "The column 'x' is missing in row 1, the first of 1."


def test_a_parquet_file_is_uploaded_read_and_shown(client: httpx.Client, upload: Upload) -> None:
    content = io.BytesIO()
    colours = pa.array(["red", "blue", None, "red"] * 5).dictionary_encode()
    pa.parquet.write_table(
        pa.table({"size": range(20), "colour": colours, "price": np.arange(20) * 0.3}), content
    )
    version = upload("table", content.getvalue(), filename="houses.parquet", categories="size")
    assert version["schema"]["targets"] == ["price"]
    assert [column["kind"] for column in version["schema"]["columns"]] == ["category", "category"]
    assert "No target was named" in version["warnings"][0]
    row = client.get(PREVIEW, params={"offset": 1, "limit": 1}).json()["rows"][0]
    assert (row["values"][1], row["targets"]) == ("blue", [0.3])


def test_a_table_that_cannot_be_read_says_where(upload: Upload) -> None:
    version = upload("table", TABLE + "1,2\n")
    assert (version["state"], version["error"]["code"]) == ("invalid", "bad_data")
    assert "line 22 has 2 columns; 3 were expected" in version["error"]["message"]
