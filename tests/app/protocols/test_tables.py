import json

import numpy as np
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/houses/predict"
COLUMNS = (
    {"name": "area", "kind": "number"},
    {"name": "town, part", "kind": "category", "categories": ["York", "Bath", "7"]},
    {"name": "built", "kind": "number"},
)
CSV = {"content-type": "text/csv"}


@pytest.fixture
def houses(registry, made):
    """A version that answers with what its three inputs are, a missing number as -1."""
    names = [column["name"] for column in COLUMNS]
    role = made.role("predict", dict.fromkeys(names, ()), {"values": (3,)})
    for place, name in enumerate(names):
        role.node("IsNaN", [name], [f"missing_{place}"])
        role.node("Where", [f"missing_{place}", role.constant(np.float32(-1)), name], [f"number_{place}"])
        role.node("Unsqueeze", [f"number_{place}", role.constant(np.array([1]))], [f"column_{place}"])
    role.node("Concat", [f"column_{place}" for place in range(3)], ["values"], axis=1)
    examples = {"predict": {name: np.array([2, 3], np.float32) for name in names}}
    artifact = made.artifact([role], examples, task="regression", columns=COLUMNS, targets=("a", "b", "c"))
    return registry.publish("houses", **artifact)


def inputs(answer):
    assert answer.status_code == 200, answer.text
    return [row["values"] for row in answer.json()["predictions"]]


async def test_rows_are_objects_by_column(client, houses):
    rows = [
        {"area": 120.5, "town, part": "Bath", "built": 1990},
        {"built": True, "area": -3, "town, part": "York"},
    ]
    assert inputs(await client.post(PATH, json={"instances": rows})) == [[120.5, 3, 1990], [-3, 2, 1]]


async def test_what_is_missing_and_what_is_unknown_has_an_id_of_its_own(client, houses):
    rows = [{}, {"area": None, "town, part": None}, {"town, part": ""}, {"town, part": "Paris"}]
    assert inputs(await client.post(PATH, json={"instances": rows})) == [[-1, 1, -1]] * 3 + [[-1, 0, -1]]


async def test_a_category_that_is_a_number_may_be_sent_as_one(client, houses):
    rows = [{"town, part": value} for value in ("7", 7, 7.0)]
    assert inputs(await client.post(PATH, json={"instances": rows})) == [[-1, 4, -1]] * 3


async def test_a_date_counts_as_the_days_since_1970(client, houses):
    rows = [{"built": "1970-01-11"}]
    assert inputs(await client.post(PATH, json={"instances": rows})) == [[-1, 1, 10]]


async def test_a_file_without_a_type_is_csv_unless_it_begins_as_json(client, houses):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert inputs(await client.post(PATH, content=b"area,built\n1,2\n", headers=headers)) == [[1, 1, 2]]
    assert inputs(await client.post(PATH, content=b'\n {"instances": [{"area": 1}]}')) == [[1, 1, -1]]


async def test_names_in_texts_are_not_taken_for_repeated_ones(client, houses):
    rows = [{"town, part": ': "built": 1, "built"'}, {"town, part": "York"}]
    assert inputs(await client.post(PATH, json={"instances": rows})) == [[-1, 0, -1], [-1, 2, -1]]


async def test_lines_of_csv_are_rows(client, houses):
    text = '"town, part",area,built\nBath,120.5,1990\r\n"York",,true\n\nParis,NaN,1970-01-11\n'
    answer = await client.post(PATH, content=text.encode(), headers=CSV)
    assert inputs(answer) == [[120.5, 3, 1990], [-1, 2, 1], [-1, 0, 10]]
    marked = await client.post(PATH, content=b"\xef\xbb\xbfarea\n5", headers=CSV)
    assert inputs(marked) == [[5, 1, -1]]


WRONG = [
    (
        [{"area": "big"}],
        "/instances/0/area",
        "Row 0, column 'area': Expected a number or nothing, got the text 'big'",
    ),
    (
        [{}, {"area": [1]}],
        "/instances/1/area",
        "Row 1, column 'area': Expected a number or nothing, got a list",
    ),
    ([{"area": 1e31}], "/instances/0/area", "within ±1e+30"),
    ([{"town, part": {}}], "/instances/0/town, part", "got an object"),
    (
        [{"rooms": 3}],
        "/instances/0/rooms",
        "no column 'rooms', which row 0 names; the columns are 'area', 'town, part'",
    ),
    ([{"a/~b": 3}], "/instances/0/a~1~0b", "There is no column"),
    ([[1, 2, 3]], "/instances/0", "Expected an object with the columns as names, got a list of 3"),
    ([], "/instances", "at least one row"),
    ({"area": 1}, "/instances", "Expected a list of rows, got an object"),
]


async def test_wrong_cells_are_pointed_at_by_row_and_column(client, houses):
    for instances, pointer, message in WRONG:
        answer = await client.post(PATH, json={"instances": instances})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
        assert message in answer.json()["detail"]
    nan = await client.post(PATH, content=b'{"instances": [{"area": 1}, {"area": NaN}]}')
    assert (nan.status_code, nan.json()["errors"][0]["pointer"]) == (422, "/instances/1/area")


WRONG_CSV = [
    (b"area,rooms\n1,2", 422, "There is no column 'rooms', which the first line names"),
    (b"1,2,3\n", 422, "There is no column '1'"),
    (b"area,area\n1,2", 422, "each once"),
    (b"area\n", 422, "at least one row below"),
    (b"", 422, "got an empty body"),
    (b"area,built\n1\n", 422, "Row 0 has 1 cells; 2 were expected"),
    (b"area\n1\nbig\n", 422, "Row 1, column 'area'"),
    (b"area\n\xff\n", 400, "UTF-8; byte 5 is not"),
    (b'area\n"' + b"1" * 200_000, 422, "is not CSV"),
    (b"area\n" + b"1\n" * 10_001, 422, "at most 10000 rows"),
]


async def test_wrong_csv_is_refused(client, houses):
    for content, status, message in WRONG_CSV:
        answer = await client.post(PATH, content=content, headers=CSV)
        assert answer.status_code == status, answer.text
        assert message in answer.json()["detail"]


async def test_a_body_that_is_neither_is_told_what_is_read(client, houses):
    answer = await client.post(PATH, content=b"\x93NUMPY", headers={"content-type": "application/x-npy"})
    assert (answer.status_code, answer.headers["accept-post"]) == (415, "application/json, text/csv")


async def test_a_large_body_of_too_many_cells_is_refused(client, houses, settings):
    content = json.dumps({"instances": [{"area": 1}] * 10_001}).encode()
    assert (await client.post(PATH, content=content)).json()["errors"][0]["code"] == "too_many_rows"
