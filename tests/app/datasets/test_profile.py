"""What a version's data is like, as numbers and as a picture."""

import io
from collections.abc import Callable

import httpx
import pytest
from PIL import Image

from app.datasets.charts import MAX_PANELS, chart, panels

PROFILE = "/api/v1/datasets/digits/versions/1/profile"
HISTOGRAM = {"counts": [1, 0, 3], "edges": [0, 1, 2, 3]}
NUMBER = {"name": "size", "kind": "number", "missing": 2, "histogram": HISTOGRAM}
CATEGORY = {"name": "colour", "kind": "category", "missing": 1, "categories": 9, "top": {"red": 3, "blue": 1}}


def test_a_profile_is_numbers_or_a_picture(client: httpx.Client, ready: Callable[..., object]) -> None:
    ready()
    assert client.get(PROFILE).json()["classes"] == {"zero": 15, "one": 15}
    picture = client.get(PROFILE, headers={"Accept": "image/png"})
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (300, 210)


def test_a_version_that_is_being_read_has_none(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "digits", "builtin": "digits"})
    answer = client.get(PROFILE)
    assert (answer.status_code, answer.json()["current_state"]) == (409, "reading")


@pytest.mark.parametrize(
    ("profile", "titles"),
    [
        ({"classes": {"a": 3}, "histogram": HISTOGRAM, "missing": 0}, ["classes", "values"]),
        ({"targets": [NUMBER | {"name": "price"}], "columns": [NUMBER, CATEGORY]},
         ["price, 2 missing", "size, 2 missing", "colour, 1 missing, 2 of 9"]),
        ({"lengths": {"histogram": HISTOGRAM}, "top": {"the": 9}}, ["lengths", "most frequent tokens"]),
        ({"classes": {str(number): 1 for number in range(30)}}, ["classes, 12 of 30"]),
        ({"top": {str(number): 1 for number in range(20)}}, ["most frequent tokens"]),
        ({"rows": 3}, []),
    ],
)  # fmt: skip
def test_each_kind_has_its_panels(profile: dict[str, object], titles: list[str]) -> None:
    assert [panel.title for panel in panels(profile)] == titles
    assert Image.open(io.BytesIO(chart(profile))).width >= 300


def test_the_most_frequent_come_first() -> None:
    (panel,) = panels({"top": {"rare": 1, "often": 5, "seldom": 1}})
    assert (panel.names, panel.counts) == (["often", "rare", "seldom"], [5, 1, 1])


def test_no_name_breaks_the_picture_and_no_number_of_columns_makes_it_huge() -> None:
    strange = {"\n": 4, " ": 3, "\x1b[31m": 2, "\u4e2d\u6587": 1, "x" * 500: 0, "\ud800": 0}
    profile = {"columns": [{"name": "\n" * 90, "kind": "category", "top": strange}] * 1000}
    assert Image.open(io.BytesIO(chart(profile))).size == (900, 210 * MAX_PANELS // 3)
